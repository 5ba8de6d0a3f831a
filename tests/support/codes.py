"""The codes of the header `Face-Search-Error`, by what sends them."""

from collections.abc import Iterator

from facesearch.errors import FaceSearchError

ONLY_THE_GATEWAYS = {"refused"}


def outcomes(base: type[FaceSearchError] = FaceSearchError) -> Iterator[type[FaceSearchError]]:
    """Every class of outcome that is loaded."""
    yield base
    for each in base.__subclasses__():
        yield from outcomes(each)


CODES = {each.code for each in outcomes()} | ONLY_THE_GATEWAYS
