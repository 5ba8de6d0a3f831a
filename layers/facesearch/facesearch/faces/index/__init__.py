"""The face index: an event's faces in memory, loaded from a snapshot and kept up with by reading only what is new."""
