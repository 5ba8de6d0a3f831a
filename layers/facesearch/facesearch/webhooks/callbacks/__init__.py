"""Signed callbacks: announced when a search ends, sent until the receiver takes them, and for how long."""
