"""Faces: the engine's port, matching, the index in memory, and where an event's faces are kept."""
