"""Threads for parts that need some, where no fixture reaches."""

from concurrent.futures import ThreadPoolExecutor

LEAVES = ThreadPoolExecutor(8, thread_name_prefix="leaves")
"""Runs leaf calls only, as the container's `pool` does."""
