"""Asking listeners and judges: plan and start, what must hold, what came of it, and the controls beside it."""
