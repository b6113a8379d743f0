"""Counterfactual soundtracks: pure edits of PCM, donors, writing, and the proof of what was written."""
