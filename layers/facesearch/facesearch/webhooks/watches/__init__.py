"""Searches that go on: later photos of the same person are told of, for as long as the person has agreed to it."""
