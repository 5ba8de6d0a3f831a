"""What a caller asks for: path and query parsed softly, so that the checks can run in the contract's order."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from facesearch.bibs.rules import BIB_PATTERN
from facesearch.errors import FaceSearchError, InvalidRequest, InvalidRequestId
from facesearch.models import MAX_TIME, Event, Page, SearchKey
from facesearch.validation import flatten, parse_request_id, uuid_of

MAX_PAGE = 2**31 - 1
_DIGITS = r"^[0-9]{1,18}$"


def _only_digits(value: object) -> object:
    """Pydantic alone would also take `1_0`, `1.0` and white space for a number."""
    if isinstance(value, str) and re.fullmatch(_DIGITS, value, re.ASCII) is None:
        raise PydanticCustomError("whole_number", "must be a whole number")
    return value


# Comes after a field's limits: in front of them they would be unknown to JSON Schema, and so to the OpenAPI document.
DIGITS_ALONE = BeforeValidator(_only_digits)
# Read as text, so that not everything counts as a number that Python would take for one; to callers it is one.
Id = Annotated[
    str,
    Field(pattern=_DIGITS),
    WithJsonSchema({"type": "integer", "format": "int64", "minimum": 0, "maximum": 10**18 - 1}),
]


class OrgPath(BaseModel):
    """Path parameters that every request has."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    org_id: Annotated[Id, Field(description="The organisation of the key.", examples=[903])]


class EventPath(OrgPath):
    """Path parameters of a request about an event."""

    event_id: Annotated[Id, Field(description="An event of this organisation.", examples=[456])]


class BibPath(EventPath):
    """Path parameters of a request for the photos of a bib."""

    bib: Annotated[
        str,
        Field(
            pattern=BIB_PATTERN, description="1 to 16 letters and digits, in upper or lower case.", examples=["1024"]
        ),
    ]


class PageQuery(BaseModel):
    """Query parameters of a paged request."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    page: Annotated[int, Field(ge=1, le=MAX_PAGE, description="The page to return, from 1."), DIGITS_ALONE] = 1
    page_size: Annotated[int, Field(ge=1, le=100, description="Photos on a page."), DIGITS_ALONE] = 32


_FIRST_PAGE = PageQuery()


class EventsQuery(PageQuery):
    """The same for lists of events."""

    page_size: Annotated[int, Field(ge=1, le=100, description="Events on a page."), DIGITS_ALONE] = 10


class OriginalsQuery(PageQuery):
    """The same for links to originals, each of which is looked for."""

    page_size: Annotated[int, Field(ge=1, le=60, description="Links on a page."), DIGITS_ALONE] = 30


class TimelineQuery(PageQuery):
    """The same for the photos of a period."""

    since: Annotated[
        int,
        Field(
            alias="from",
            ge=0,
            le=MAX_TIME - 1,
            description="The first second of the period, in Unix seconds.",
            examples=[1779001200],
        ),
        DIGITS_ALONE,
    ]
    until: Annotated[
        int,
        Field(
            alias="to",
            ge=1,
            le=MAX_TIME,
            description="The first second after the period, later than `from`.",
            examples=[1779004800],
        ),
        DIGITS_ALONE,
    ]

    @field_validator("until")
    @classmethod
    def _is_later(cls, until: int, info: ValidationInfo) -> int:
        if until <= info.data.get("since", -1):
            raise PydanticCustomError("later", "must be later than from")
        return until


@dataclass(frozen=True)
class Credential:
    """What a caller shows to be let in.

    Attributes:
        secret: an API key or a publishable token; empty = neither.
        origin: of the page that makes the call, as its browser says; empty = no page does, or one of our own host.
    """

    secret: str = field(repr=False)
    origin: str = ""


@dataclass(frozen=True)
class ApiRequest:
    """One request, as far as it could be read. What is None was not given, or is wrong.

    Attributes:
        page: the page asked for, or the first of the default size if the query is wrong.
        period: seconds since 1970 in UTC; empty unless one was asked for.
        problem: what is wrong with path and query.
        body_problem: what is wrong with a request_id that came in the body, which is checked last.
        bib: in upper case.
        consistent: how what it needs is read, see `reading.Wanted`.
    """

    org_id: int | None
    event_id: int | None
    page: Page
    period: range = range(0)
    request_id: uuid.UUID | None = None
    problem: FaceSearchError | None = None
    body_problem: FaceSearchError | None = None
    bib: str | None = field(default=None, repr=False)
    consistent: bool = True

    @property
    def search(self) -> SearchKey | None:
        """The search that the request names, if it names one."""
        if self.org_id is None or self.event_id is None or self.request_id is None:
            return None
        return SearchKey(self.org_id, self.event_id, self.request_id)

    def with_body(self, request_id: str | None, upload_ids: Sequence[str] = ()) -> "ApiRequest":
        """This request with the request_id of its body, if there is one.

        An upload is made for one search: its id, of several the first, names that search if nothing else does, so that
        sending it again is a retry.
        """
        if request_id is None:
            return replace(self, request_id=self.request_id or (uuid_of(upload_ids[0]) if upload_ids else None))
        try:
            return replace(self, request_id=parse_request_id(request_id))
        except InvalidRequestId as error:
            return replace(self, body_problem=error)

    def search_or_new(self, event: Event) -> SearchKey:
        """The search that the request names, or a new one; InvalidRequestId if it names one by what is no UUID."""
        if self.body_problem is not None:
            raise self.body_problem
        return SearchKey(event.org_id, event.event_id, self.request_id or uuid.uuid4())


def parse_request(
    path: Mapping[str, str],
    query: Mapping[str, str],
    paged: type[PageQuery] | None = PageQuery,
    *,
    consistent: bool = True,
) -> ApiRequest:
    """Read path and query of a request, which has no query if `paged` is None. Never raises."""
    problems: list[str] = []
    try:
        (BibPath if "bib" in path else EventPath if "event_id" in path else OrgPath).model_validate(dict(path))
    except ValidationError as error:
        problems += flatten("path", error)
    wanted = _FIRST_PAGE
    try:
        wanted = wanted if paged is None else paged.model_validate(dict(query))
    except ValidationError as error:
        problems += flatten("query", error)
    problem: FaceSearchError | None = InvalidRequest("; ".join(problems)) if problems else None
    request_id = None
    try:
        request_id = parse_request_id(path["request_id"]) if "request_id" in path else None
    except InvalidRequestId as error:
        problem = problem or error
    return ApiRequest(
        org_id=_number(path.get("org_id", "")),
        event_id=_number(path.get("event_id", "")),
        page=Page(wanted.page, wanted.page_size),
        period=range(wanted.since, wanted.until) if isinstance(wanted, TimelineQuery) else range(0),
        request_id=request_id,
        problem=problem,
        bib=path["bib"].upper() if "bib" in path and not problems else None,
        consistent=consistent,
    )


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(_DIGITS, text, re.ASCII) else None
