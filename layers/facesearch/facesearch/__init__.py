"""Face Search: a selfie in, the event's photos of that guest out, exactly once per ``request_id``."""

__version__ = "0.1.0"
