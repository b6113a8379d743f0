"""What responses say and what that is worth: pure, knows no store, no network and no codecs."""
