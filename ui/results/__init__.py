"""What the Results page shows, as JSON: tables, one listener, one item, the judge, who can be asked."""
