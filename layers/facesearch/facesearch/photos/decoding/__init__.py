"""Strangers' files, format by format: what they are, what decoding them would take, and what their metadata say."""

READABLE = "JPEG, PNG, WebP, HEIC or AVIF"
"""What is read, as it is told to people."""
UNREADABLE = f"The file is not a readable {READABLE} picture."
DAMAGED = "The picture is damaged or cut short."
