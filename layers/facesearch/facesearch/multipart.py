"""The POST body: one to three selfies, each a `file` or the `upload_id` of one, perhaps a `request_id`.

As multipart/form-data, or, where no file is in it, as what plain HTML forms and many clients then send instead:
application/x-www-form-urlencoded.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from multipart import MultipartError, MultipartParser, MultipartPart, ParserLimitReached, parse_options_header

from facesearch.errors import FaceSearchError, InvalidRequest, TooLarge
from facesearch.several import MAX_SELFIES

MAX_PARTS = 10
MAX_SELFIE_BYTES = 4_718_592
"""4.5 MiB: a little over what fits through one Lambda call (6 MB of event, a third of it base64), so that the gateway
says 413 first. Of all selfies of a form together."""
MAX_FIELD_BYTES = 200
"""A request_id has 36 characters, 45 as a URN."""
MAX_URLENCODED_BYTES = 10_000
UNREADABLE = "body: must be multipart/form-data with a part named file"
NO_SMALL_FORM = f"body: without a file, a form of at most {MAX_PARTS} fields and {MAX_URLENCODED_BYTES:,} bytes"


@dataclass(frozen=True)
class SelfieForm:
    """The form as sent.

    Attributes:
        files: the selfies' bytes, in the order of their parts.
        upload_ids: what stands in the place of files, as text; these selfies come after the files.
        request_id: the field's text; None if there is no such part.
        problem: what is wrong with the rest of the form. It counts only if the selfie is needed: a finished search
            is answered from the cache whatever comes with its request_id.
    """

    files: tuple[bytes, ...] = ()
    upload_ids: tuple[str, ...] = ()
    request_id: str | None = None
    problem: FaceSearchError | None = None


def parse_selfie_form(content_type: str, body: bytes) -> SelfieForm:
    """Parse the form in full, to the closing boundary; never raises, see `SelfieForm.problem`."""
    media_type, options = parse_options_header(content_type)
    match media_type.strip().lower():
        case "multipart/form-data":
            return _parse_multipart(options.get("boundary", ""), body)
        case "application/x-www-form-urlencoded":
            return _parse_urlencoded(body)
        case _:
            return SelfieForm(problem=InvalidRequest(UNREADABLE))


def _parse_urlencoded(body: bytes) -> SelfieForm:
    if len(body) > MAX_URLENCODED_BYTES:
        return SelfieForm(problem=InvalidRequest(NO_SMALL_FORM))
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_PARTS, errors="replace")
    except ValueError:
        return SelfieForm(problem=InvalidRequest(NO_SMALL_FORM))
    if "file" in fields:
        return SelfieForm(problem=InvalidRequest("body.file: a file is sent as multipart/form-data"))
    return _form_of(fields, [])


def _parse_multipart(boundary: str, body: bytes) -> SelfieForm:
    if not 1 <= len(boundary) <= 70 or not boundary.isascii():  # RFC 2046, 5.1.1
        return SelfieForm(problem=InvalidRequest("body: the Content-Type has no valid multipart boundary"))
    try:
        parts = MultipartParser(
            io.BytesIO(body),
            boundary,
            strict=True,
            part_limit=MAX_PARTS,
            partsize_limit=MAX_SELFIE_BYTES,
            spool_limit=MAX_SELFIE_BYTES,
            memory_limit=2 * MAX_SELFIE_BYTES,  # files and fields; of the files together see `_form_of`
        ).parts()
    except ParserLimitReached:
        return SelfieForm(
            problem=TooLarge(
                f"The form has more than {MAX_PARTS} parts, or one of more than {MAX_SELFIE_BYTES / 2**20:.1f} MiB. "
                "Send one smaller picture."
            )
        )
    except (MultipartError, ValueError):  # the parser's own, and undecodable part headers
        return SelfieForm(problem=InvalidRequest("body: not a complete multipart/form-data body"))
    fields: dict[str, list[str]] = {}
    for part in parts:
        if part.name != "file":
            fields.setdefault(part.name, []).append(_text(part))
    files = [part for part in parts if part.name == "file"]
    return _form_of(fields, _filled(files, others="upload_id" in fields))


def _filled(parts: Sequence[MultipartPart], *, others: bool) -> list[bytes]:
    """The files without those of inputs that were left empty, which browsers send with `filename=""` and no bytes.

    If nothing else is there, neither a file nor `others`, one of them stays: it is refused as an empty selfie.
    """
    filled = [part.raw for part in parts if part.raw or part.filename != ""]
    return filled if filled or others else [part.raw for part in parts[:1]]


def _form_of(fields: Mapping[str, Sequence[str]], files: Sequence[bytes]) -> SelfieForm:
    request_ids, upload_ids = fields.get("request_id", []), fields.get("upload_id", [])
    if len(request_ids) > 1:
        return SelfieForm(problem=InvalidRequest("body.request_id: given more than once"))
    request_id = request_ids[0] if request_ids else None
    problem: FaceSearchError
    if not 1 <= len(files) + len(upload_ids) <= MAX_SELFIES:
        too_many = f"body.file: at most {MAX_SELFIES} selfies, as file or upload_id"
        problem = InvalidRequest(too_many if files or upload_ids else "body.file: Field required")
        return SelfieForm(request_id=request_id, problem=problem)
    if sum(map(len, files)) > MAX_SELFIE_BYTES:
        problem = TooLarge(
            f"The selfies have more than {MAX_SELFIE_BYTES / 2**20:.1f} MiB together. "
            "Send smaller pictures, or upload links of POST .../faces/uploads."
        )
        return SelfieForm(request_id=request_id, problem=problem)
    return SelfieForm(tuple(files), tuple(upload_ids), request_id)


def _text(part: MultipartPart) -> str:
    # Whatever does not decode is no UUID either, and is refused as such.
    raw: bytes = part.raw
    return raw[:MAX_FIELD_BYTES].decode("utf-8", errors="replace")
