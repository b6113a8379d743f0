"""Who places event times, what they agree on, and what a person should look at next."""
