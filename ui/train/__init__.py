"""What the Train page shows: runs, chains, what speaks against a run, what it has learnt."""
