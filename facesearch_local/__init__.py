"""The stack of template.yaml on this machine, without AWS: the real functions on a store that stands in for it."""

from facesearch_local.control import LocalStackError, RunningStack, running

__all__ = ["LocalStackError", "RunningStack", "running"]
