"""Where the `facesearch` command begins: with nothing imported that takes time."""

import signal
import sys


def main() -> None:
    """Run the command line. Ctrl-C while the commands are imported, 1.6 s, just ends it, as it ends any program."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from facesearch_cli import app, interrupts

    sys.exit(interrupts.run(app.main))
