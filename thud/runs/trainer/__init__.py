"""A trainer as a child process: one run of it, what it writes, and whether one can go here."""
