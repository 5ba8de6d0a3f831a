"""What is run on a developer's or operator's machine, and never deployed."""

import signal
import sys

# Imported before anything else of `python -m tools.…` (the interpreter says "-m" until it has found the module) and of
# the processes that multiprocessing starts: there Ctrl-C just ends the process, as it ends any program, until
# `facesearch_cli.interrupts.run` lets Python hear it. Else a second of imports could end in a traceback.
if sys.argv[0] == "-m" or "--multiprocessing-fork" in sys.argv:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
