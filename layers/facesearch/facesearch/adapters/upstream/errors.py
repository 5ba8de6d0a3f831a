"""What can go wrong with the upstream that is no business of a caller's: each becomes a 500 that names nobody."""


class UpstreamDownError(Exception):
    """It was not reached, fell silent, or failed, and so did every retry that there was time for."""


class UpstreamRefusedError(Exception):
    """It refused our key, organisation, event or request: this deployment is configured wrongly, or the event is not
    searchable there."""


class UpstreamResponseError(Exception):
    """It answered something that the contract does not allow, or that we cannot keep."""
