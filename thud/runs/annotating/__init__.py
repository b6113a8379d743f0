"""Event times and described stretches by models and people: plan and start, what came of it."""
