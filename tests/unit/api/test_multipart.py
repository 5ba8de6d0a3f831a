"""The form: its selfies and its request_id come out as they went in, whatever else is in it."""

import gzip

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facesearch.api.selfie_form import (
    CUT_SHORT,
    LONG_HEAD,
    MAX_HEAD_BYTES,
    NO_BOUNDARY,
    TOO_MANY_PARTS,
    SelfieForm,
    parse_selfie_form,
)
from facesearch.errors import TooLarge
from facesearch.search.selfies import MAX_SELFIE_BYTES
from facesearch.validation import COMPRESSED

BOUNDARY = "----x9"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + value + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def status(form: SelfieForm) -> int | None:
    return form.problem.status if form.problem else None


@given(st.binary(max_size=300), st.text(max_size=80))
def test_no_body_and_no_content_type_can_make_it_raise(content: bytes, content_type: str) -> None:
    parse_selfie_form(FORM, content)
    parse_selfie_form(content_type, body(part("file", content)))


@given(st.data())
def test_a_body_that_was_cut_anywhere_is_refused(data: st.DataObject) -> None:
    whole = body(part("file", b"\xff\xd8" + b"x" * 50, "a.jpg"))
    cut = data.draw(st.integers(0, len(whole) - 5))  # the closing boundary's last CRLF may be missing
    form = parse_selfie_form(FORM, whole[:cut])
    assert status(form) == 422
    assert form.files == ()


def test_bytes_that_look_like_the_boundary_stay_in_the_file() -> None:
    content = b"a\r\n--" + BOUNDARY.encode()[:-1] + b"\r\nb--" + BOUNDARY.encode() + b"c"
    assert parse_selfie_form(FORM, body(part("file", content, "a"))).files == (content,)


CODE_PAGES = ("latin-1", "cp1252", "cp437", "cp932", "big5", "gb18030", "euc-kr", "utf-8", "utf-16-le", "utf-16-be")
FILE_NAMES = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda name, page: name.encode(page, "ignore"),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
        st.sampled_from(CODE_PAGES),
    ),
)


@given(FILE_NAMES, st.booleans(), st.booleans())
@example("ソ".encode("cp932"), False, True)  # ends with a backslash
@example("功".encode("big5"), True, False)
@example("selfié.jpg".encode("latin-1"), False, False)
@example("s.jpg".encode("utf-16"), False, False)
@example("x\u2200y".encode("utf-16-le"), False, False)  # has a quotation mark in it
@example(b'a"; name="request_id', False, False)
def test_the_name_of_a_file_is_used_for_nothing_in_whatever_code_page_it_comes(
    name: bytes, extended: bool, quoted: bool
) -> None:
    if b"\r\n\r\n" in b"\r\n" + name + b"\r\n":  # the end of the head, in any parser
        return
    option = b"; filename*=UTF-8''" + name if extended else b'; filename="' + name + (b'"' if quoted else b"")
    head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"'.encode() + option
    form = parse_selfie_form(FORM, body(part("request_id", b"r"), head + b"\r\n\r\n\xff\xd8selfie\r\n"))
    assert form == SelfieForm((b"\xff\xd8selfie",), request_id="r")


HEADS = st.binary(max_size=100).filter(lambda head: b"\r\n\r\n" not in head + b"\r\n")


@given(st.lists(st.tuples(HEADS, st.binary(max_size=300)), max_size=8), st.data())
def test_fields_that_nobody_asked_for_do_no_harm(foreign: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    """Whatever they are called, in any code page, or if they have no name at all."""
    if any(BOUNDARY.encode() in head + content for head, content in foreign):
        return
    start = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="x'.encode()
    parts = [start + head.replace(b'"', b"") + b'"\r\n\r\n' + content + b"\r\n" for head, content in foreign]
    parts.insert(data.draw(st.integers(0, len(parts))), part("file", b"selfie", "a"))
    assert parse_selfie_form(FORM, body(*parts)) == SelfieForm((b"selfie",))


@pytest.mark.parametrize("head", [b"", b"Content-Type: text/plain", b"Content-Disposition: form-data", b"\xff", b": :"])
def test_a_part_without_a_name_is_nobodys(head: bytes) -> None:
    nameless = f"--{BOUNDARY}\r\n".encode() + (head + b"\r\n" if head else b"") + b"\r\nx\r\n"
    assert parse_selfie_form(FORM, body(nameless, part("file", b"selfie", "a"))) == SelfieForm((b"selfie",))


def test_names_are_read_as_old_and_new_clients_write_them() -> None:
    for disposition in (
        b"form-data; name=file; filename=a.jpg", b'Form-Data;NAME="file";FILENAME="a.jpg"',
        b'form-data; filename="a;b.jpg"; name="file"', b'form-data;\r\n name="file"; filename="a.jpg"',
    ):  # fmt: skip
        sent = f"--{BOUNDARY}\r\nContent-Disposition: ".encode() + disposition + b"\r\n\r\nselfie\r\n"
        assert parse_selfie_form(FORM, body(sent)) == SelfieForm((b"selfie",))


def test_a_boundary_may_be_quoted_and_text_around_the_form_is_nobodys() -> None:
    sent = b"preamble\r\n" + body(part("file", b"selfie", "a")) + b"epilogue"
    assert parse_selfie_form(f'multipart/form-data; charset=x; boundary="{BOUNDARY}"', sent).files == (b"selfie",)


def told(sent: bytes, encoding: str = "") -> str:
    problem = parse_selfie_form(FORM, sent, encoding).problem
    assert problem is not None
    return problem.message


def test_each_refusal_says_what_is_wrong_with_this_form() -> None:
    whole = body(part("file", b"selfie", "a"))
    assert told(gzip.compress(whole)) == told(whole, "br") == told(gzip.compress(whole), "GZIP") == COMPRESSED
    assert parse_selfie_form(FORM, whole, "identity").problem is None
    assert told(whole.replace(BOUNDARY.encode(), b"other")) == NO_BOUNDARY
    assert told(whole[:-6]) == told(whole.replace(b"\r\n", b"\n")) == CUT_SHORT
    assert told(body(*[part("other", b"x")] * 10, part("file", b"selfie", "a"))) == TOO_MANY_PARTS
    assert told(body(part("file", b"selfie", "a" * MAX_HEAD_BYTES))) == LONG_HEAD
    assert parse_selfie_form(FORM, body(part("file", b"selfie", "a" * 6_000))) == SelfieForm((b"selfie",))
    assert told(body(part("file", bytes(MAX_SELFIE_BYTES + 1), "a"))).startswith("The selfie has more than 4.5 MiB.")


def test_a_form_that_is_refused_still_says_which_search_it_is_of() -> None:
    """That search may be finished, and is then answered whatever comes with its request_id."""
    form = parse_selfie_form(FORM, body(part("request_id", b"r"), *[part("other", b"")] * 11))
    assert (form.request_id, status(form)) == ("r", 413)


SELFIES = st.lists(st.binary(max_size=300), max_size=5)
UPLOADS = st.lists(st.uuids().map(str), max_size=5)


@given(st.data(), SELFIES, UPLOADS)
def test_one_to_three_selfies_come_in_the_order_in_which_they_were_sent(
    data: st.DataObject, files: list[bytes], uploads: list[str]
) -> None:
    """However files, uploads and other fields are mixed; and of more than three, or of none, not one is taken."""
    if any(BOUNDARY.encode() in content for content in files):
        return
    places = data.draw(st.permutations([True] * len(files) + [False] * len(uploads)))
    left, waiting = iter(files), iter(uploads)
    parts = [
        part("file", next(left), "a") if is_file else part("upload_id", next(waiting).encode()) for is_file in places
    ]
    parts.insert(data.draw(st.integers(0, len(parts))), part("request_id", b"r"))
    form = parse_selfie_form(FORM, body(*parts))
    assert form.request_id == "r" or len(parts) > 10
    if 1 <= len(places) <= 3:
        assert form == SelfieForm(tuple(files), tuple(uploads), "r")
    else:
        assert (form.files, form.upload_ids, status(form)) == ((), (), 413 if len(parts) > 10 else 422)


EMPTY_INPUT = part("file", b"", "")


@given(st.data(), st.lists(st.binary(max_size=300), max_size=2), st.integers(0, 1), st.integers(1, 6))
def test_inputs_that_were_left_empty_change_nothing_beside_a_selfie(
    data: st.DataObject, files: list[bytes], uploads: int, empty: int
) -> None:
    """Wherever they stand among the others."""
    if any(BOUNDARY.encode() in content for content in files) or not len(files) + uploads:
        return
    parts = [part("file", each, "a") for each in files] + [part("upload_id", b"u")] * uploads
    for _ in range(empty):
        parts.insert(data.draw(st.integers(0, len(parts))), EMPTY_INPUT)
    assert parse_selfie_form(FORM, body(*parts)) == SelfieForm(tuple(files), ("u",) * uploads)


def test_of_three_inputs_one_has_to_be_filled() -> None:
    for count in (1, 3, 5):
        assert parse_selfie_form(FORM, body(*[EMPTY_INPUT] * count)) == SelfieForm((b"",))


def test_a_file_without_bytes_that_has_a_name_or_a_nameless_one_with_bytes_is_a_selfie() -> None:
    for empty in (part("file", b"", "a.jpg"), part("file", b"")):
        assert parse_selfie_form(FORM, body(part("file", b"front", "a"), empty)) == SelfieForm((b"front", b""))
    assert parse_selfie_form(FORM, body(part("file", b"front", ""))) == SelfieForm((b"front",))


def test_uploads_alone_may_also_be_several_as_a_plain_form() -> None:
    form = parse_selfie_form("application/x-www-form-urlencoded", b"upload_id=a&upload_id=b&request_id=r")
    assert form == SelfieForm((), ("a", "b"), "r")
    assert status(parse_selfie_form("application/x-www-form-urlencoded", b"&".join([b"upload_id=a"] * 4))) == 422


def test_selfies_together_have_the_size_that_one_may_have() -> None:
    half = bytes(MAX_SELFIE_BYTES // 2)
    assert parse_selfie_form(FORM, body(part("file", half, "a"), part("file", half, "b"))).problem is None
    for more in ([half, half, b"1"], [half + b"1", half]):
        form = parse_selfie_form(FORM, body(part("request_id", b"r"), *[part("file", each, "a") for each in more]))
        assert isinstance(form.problem, TooLarge)
        assert (form.files, form.request_id) == ((), "r")
        assert "together" in form.problem.message


def test_two_request_ids_a_missing_boundary_and_another_content_type_are_refused() -> None:
    assert status(parse_selfie_form(FORM, body(part("request_id", b"1"), part("request_id", b"2")))) == 422
    for content_type in (
        "", "multipart/form-data", "multipart/form-data; boundary=", "application/json", "text/plain; boundary=x",
        f"multipart/form-data; boundary={'x' * 71}", "multipart/form-data; boundary=é",
    ):  # fmt: skip
        assert status(parse_selfie_form(content_type, body(part("file", b"1", "a")))) == 422
