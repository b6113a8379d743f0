"""What the Pairs page shows, as JSON."""
