"""The stack of template.yaml on this machine, without AWS: the real functions on a store that stands in for it."""

import signal
import sys

# Before the imports, as in `tools`: Ctrl-C just ends the process until `interrupts.run` lets Python hear it.
if sys.argv[0] == "-m":
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from facesearch_local.control import LocalStackError, RunningStack, running

__all__ = ["LocalStackError", "RunningStack", "running"]
