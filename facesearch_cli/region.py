"""The AWS region that a command works in."""

import os


def chosen_region() -> str | None:
    """What the environment names, by either variable; AWS_REGION counts first, as for the AWS command line.

    boto3 by itself hears AWS_DEFAULT_REGION alone. None: the profile's.
    """
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or None
