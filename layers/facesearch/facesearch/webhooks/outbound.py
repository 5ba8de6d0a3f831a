"""What a request to a stranger's address can end in."""


class RefusedUrlError(Exception):
    """The URL, or one that it redirects to, is not one that we call. Asking again helps only with another URL."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FetchFailedError(Exception):
    """The host could not be reached, or gave no answer that is of use.

    Attributes:
        reason: in words for whoever gave the URL.
        retryable: whether the same call may succeed later.
        retry_after: seconds that the answer's `Retry-After` asks for, an hour at most; None if it has none.
    """

    def __init__(self, reason: str, *, retryable: bool, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        self.retry_after = retry_after
