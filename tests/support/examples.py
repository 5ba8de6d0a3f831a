"""How many generated examples a test tries: all of them in `make test-all`, a quarter in `make test`."""

from hypothesis import settings


def examples(most: int) -> int:
    return most if settings.get_current_profile_name() == "all" else max(most // 4, 3)
