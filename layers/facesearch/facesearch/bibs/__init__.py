"""Bibs: the numbers that runners wear, read in photos."""
