"""Signed callbacks: announced when a search ends, sent until the receiver takes them, and for how long.

Sending is in `callbacks.delivering`, which needs httpx and the signatures; what only announces never loads them.
"""

from facesearch.callbacks.announcing import CallbackQueue
from facesearch.callbacks.callback import Addresses, Callback, CallbackKey, CallbackStore, Status
from facesearch.callbacks.turns import SqsTurnQueue, Turn, TurnQueue

__all__ = [
    "Addresses",
    "Callback",
    "CallbackKey",
    "CallbackQueue",
    "CallbackStore",
    "SqsTurnQueue",
    "Status",
    "Turn",
    "TurnQueue",
]
