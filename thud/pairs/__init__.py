"""Preference pairs: builders, recipes, splits, lint, formats. Knows no database and no page."""
