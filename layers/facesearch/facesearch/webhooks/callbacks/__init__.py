"""Signed callbacks: announced when a search ends, sent until the receiver takes them, and for how long.

Sending is in `callbacks.delivering`, which needs httpx and the signatures; what only announces never loads them.
"""

from facesearch.webhooks.callbacks.announcing import CallbackQueue
from facesearch.webhooks.callbacks.attempts import AttemptQueue, DeliveryAttempt
from facesearch.webhooks.callbacks.callback import Addresses, Callback, CallbackKey, CallbackStore, Status

__all__ = [
    "Addresses",
    "AttemptQueue",
    "Callback",
    "CallbackKey",
    "CallbackQueue",
    "CallbackStore",
    "DeliveryAttempt",
    "Status",
]
