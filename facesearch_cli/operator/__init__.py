"""The operator's view: what a stack holds and how it is, in a browser on this machine. It can only be read."""
