"""The POST body: one to three selfies, each a `file` or the `upload_id` of one, perhaps a `request_id`.

It is multipart/form-data, or, without a file, what plain HTML forms send instead: application/x-www-form-urlencoded.

Of a part nothing counts but its field's name and its content. The file's name comes in any code page, of any length and
quoted in any way: parsers that read it refuse forms that have nothing wrong with them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from facesearch.bibs.rules import BIB_PATTERN
from facesearch.errors import ConsentNeeded, FaceSearchError, InvalidRequest, TooLarge, UnknownUpload, UnusableImage
from facesearch.faces.several import MAX_SELFIES, naming
from facesearch.models import Event
from facesearch.search.selfies import MAX_SELFIE_BYTES, UploadKey
from facesearch.validation import COMPRESSED, GZIP, uuid_of

MAX_PARTS = 10
MAX_FIELD_BYTES = 200
"""A request_id has 36 characters, 45 as a URN."""
MAX_CONSENT = 40
"""Characters; a version of ours has 16."""
MAX_HEAD_BYTES = 16_384
"""Of a part: a file's name of thousands of letters fits."""
MAX_URLENCODED_BYTES = 10_000
UNREADABLE = "body: must be multipart/form-data with a part named file"
NO_BOUNDARY = "body: the boundary that the Content-Type names is not in it"
CUT_SHORT = "body: the form is cut short, or its lines do not end with CR LF"
TOO_MANY_PARTS = f"The form has more than {MAX_PARTS} fields. Send file, request_id and upload_id alone."
LONG_HEAD = f"The form has more than {MAX_HEAD_BYTES:,} bytes before a field's content. Give the file a shorter name."
NO_SMALL_FORM = f"body: without a file, a form of at most {MAX_PARTS} fields and {MAX_URLENCODED_BYTES:,} bytes"


@dataclass(frozen=True)
class SelfieForm:
    """The form as sent.

    Attributes:
        files: the selfies' bytes, in the order of their parts.
        upload_ids: what stands in the place of files, as text; these selfies come after the files.
        request_id: the field's text; None if there is no such part.
        consent: version of the text that the guest agreed to; empty if there is no such part.
        fields: the texts of all other fields; of one given twice the first.
        problem: what is wrong with the rest of the form. It counts only if the selfie is needed: a finished search
            is replayed whatever comes with its request_id.
    """

    files: tuple[bytes, ...] = ()
    upload_ids: tuple[str, ...] = ()
    request_id: str | None = None
    problem: FaceSearchError | None = None
    consent: str = ""
    fields: Mapping[str, str] = field(default_factory=dict, compare=False)

    def agreed(self, event: Event, *, required: bool) -> str:
        """What the guest agreed to. With `required` it must be what the event asks now, or ConsentNeeded is raised."""
        version = event.guest_page.consent_version
        if required and version and self.problem is None and self.consent != version:
            raise ConsentNeeded
        return self.consent

    def bib(self, event: Event) -> str:
        """The bib that the runner typed, in upper case; empty if there is none, or the event has no bib search.

        Raises:
            InvalidRequest: it is none.
        """
        bib = self.fields.get("bib", "").strip().removeprefix("#") if event.bib_search else ""
        if bib and not re.fullmatch(BIB_PATTERN, bib):
            raise InvalidRequest("body.bib: must be 1 to 16 letters and digits")
        return bib.upper()

    def selfies(self, event: Event) -> list[bytes | UploadKey]:
        """The selfies for a search of the event.

        Raises:
            InvalidRequest, TooLarge: see `problem`.
            UnusableImage, UnknownUpload: of several selfies, the message says which.
        """
        if self.problem is not None:
            raise self.problem
        sent: list[bytes | str] = [*self.files, *self.upload_ids]
        selfies = list[bytes | UploadKey]()
        for number, each in enumerate(sent, 1):
            with naming(number, len(sent)):
                selfies.append(_file(each) if isinstance(each, bytes) else _upload(event, each))
        return selfies


@dataclass(frozen=True)
class _Part:
    """A field of the form. `is_blank`: it says of itself that it is a file without a name."""

    name: str
    is_blank: bool
    content: bytes


_OPTION = re.compile(r""";\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*("[^"]*"|[^;\s]*)""", re.ASCII)


def options_of(header: str) -> dict[str, str]:
    """The parameters in a header's value, by their names in lower case. Of one given twice the first counts: the
    others may be a part of a file's name.

    A backslash is a letter. In some code pages it is the second half of one, and no current browser escapes by it.
    """
    return {name.lower(): value.strip('"') for name, value in reversed(_OPTION.findall(header))}


def parse_selfie_form(content_type: str, body: bytes, content_encoding: str = "") -> SelfieForm:
    """Parse the form in full, to the closing boundary; never raises, see `SelfieForm.problem`."""
    parts = list[_Part]()
    problem: FaceSearchError | None = None
    try:
        if content_encoding.strip().lower() not in ("", "identity") or body.startswith(GZIP):
            raise InvalidRequest(COMPRESSED)
        parts.extend(_parts_of(content_type, body))
    except FaceSearchError as error:
        problem = error
    request_ids, upload_ids, consents = (
        tuple(_text(part) for part in parts if part.name == name) for name in ("request_id", "upload_id", "consent")
    )
    files = _filled([part for part in parts if part.name == "file"], others=bool(upload_ids))
    request_id = request_ids[0] if len(request_ids) == 1 else None
    problem = problem or _problem_of(request_ids, upload_ids, files) or _problem_of_consent(consents)
    if problem:
        return SelfieForm(request_id=request_id, problem=problem)
    own = ("", "file", "upload_id", "request_id", "consent")
    fields = {part.name: _text(part) for part in reversed(parts) if part.name not in own}
    return SelfieForm(files, upload_ids, request_id, consent="".join(consents), fields=fields)


def _parts_of(content_type: str, body: bytes) -> Iterator[_Part]:
    match content_type.partition(";")[0].strip().lower():
        case "multipart/form-data":
            boundary = options_of(content_type).get("boundary", "")
            if not 1 <= len(boundary) <= 70 or not boundary.isascii():  # RFC 2046, 5.1.1
                raise InvalidRequest("body: the Content-Type has no valid multipart boundary")
            return _multipart(body, b"--" + boundary.encode())
        case "application/x-www-form-urlencoded":
            return _urlencoded(body)
    raise InvalidRequest(UNREADABLE)


def _urlencoded(body: bytes) -> Iterator[_Part]:
    try:
        if len(body) > MAX_URLENCODED_BYTES:
            raise ValueError
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_PARTS, errors="replace")
    except ValueError:
        raise InvalidRequest(NO_SMALL_FORM) from None
    if any(name == "file" for name, _ in pairs):
        raise InvalidRequest("body.file: a file is sent as multipart/form-data")
    return (_Part(name, is_blank=False, content=value.encode()) for name, value in pairs)


def _multipart(body: bytes, delimiter: bytes) -> Iterator[_Part]:
    """The parts up to the closing delimiter; what stands before the first and after the last is nobody's.

    Raises:
        TooLarge: more parts, or a longer head of one, than a form of ours has.
        InvalidRequest: there is no such delimiter, or no closing one.
    """
    start = 0 if body.startswith(delimiter) else body.find(b"\r\n" + delimiter) + 2
    if start == 1:  # not found
        raise InvalidRequest(NO_BOUNDARY)
    place, count = start + len(delimiter), 0
    while body[place : place + 2] != b"--":
        if body[place : place + 2] != b"\r\n":
            raise InvalidRequest(CUT_SHORT)
        count += 1
        if count > MAX_PARTS:
            raise TooLarge(TOO_MANY_PARTS)
        content = body.find(b"\r\n\r\n", place, place + MAX_HEAD_BYTES) + 4
        if content == 3:  # not found
            raise TooLarge(LONG_HEAD) if len(body) > place + MAX_HEAD_BYTES else InvalidRequest(CUT_SHORT)
        end = body.find(b"\r\n" + delimiter, content)
        if end < 0:
            raise InvalidRequest(CUT_SHORT)
        options = _disposition(body[place : content - 4])
        yield _Part(options.get("name", ""), options.get("filename") == "", body[content:end])
        place = end + 2 + len(delimiter)


def _disposition(head: bytes) -> dict[str, str]:
    """The options of a part's Content-Disposition. Latin-1 has a letter for every byte; what we look for is ASCII."""
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode("latin-1")).split("\r\n")
    named = (line.partition(":") for line in lines)
    return next((options_of(value) for name, _, value in named if name.strip().lower() == "content-disposition"), {})


def _filled(parts: Sequence[_Part], *, others: bool) -> tuple[bytes, ...]:
    """The files without those of inputs that were left empty, which browsers send with `filename=""` and no bytes.

    If nothing else is there, neither a file nor `others`, one of them stays: it is refused as an empty selfie.
    """
    filled = tuple(part.content for part in parts if part.content or not part.is_blank)
    return filled if filled or others else tuple(part.content for part in parts[:1])


def _problem_of(
    request_ids: Sequence[str], upload_ids: Sequence[str], files: Sequence[bytes]
) -> FaceSearchError | None:
    if len(request_ids) > 1:
        return InvalidRequest("body.request_id: given more than once")
    if not (files or upload_ids):
        return InvalidRequest("body.file: is required")
    if len(files) + len(upload_ids) > MAX_SELFIES:
        return InvalidRequest(f"body.file: at most {MAX_SELFIES} selfies, as file or upload_id")
    if sum(map(len, files)) > MAX_SELFIE_BYTES:
        limit, instead = f"{MAX_SELFIE_BYTES / 2**20:.1f} MiB", "or use an upload link of POST .../faces/uploads."
        if len(files) > 1:
            return TooLarge(f"The selfies have more than {limit} together. Send smaller pictures, {instead}")
        return TooLarge(f"The selfie has more than {limit}. Send a smaller picture, {instead}")
    return None


def _problem_of_consent(consents: Sequence[str]) -> FaceSearchError | None:
    if len(consents) > 1:
        return InvalidRequest("body.consent: given more than once")
    if any(len(each) > MAX_CONSENT for each in consents):
        return InvalidRequest(f"body.consent: at most {MAX_CONSENT} characters")
    return None


def _file(content: bytes) -> bytes:
    if not content:
        raise UnusableImage("The selfie is empty.")
    return content


def _upload(event: Event, text: str) -> UploadKey:
    upload_id = uuid_of(text)
    if upload_id is None:
        raise UnknownUpload("upload_id is not a valid UUID")
    return UploadKey(event.org_id, event.event_id, upload_id)


def _text(part: _Part) -> str:
    # Whatever does not decode is no UUID either, and is refused as such.
    return part.content[:MAX_FIELD_BYTES].decode("utf-8", errors="replace")
