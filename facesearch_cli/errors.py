"""What the command line tells its user in one line."""


class CommandError(Exception):
    """The command cannot do what was asked; the message says why, and what helps."""
