"""Pair sets: what they are made from, built, reworded, in and out of files."""
