"""What a response says, read by rules: from characters to clauses, from clauses to claims, from claims to one label."""
