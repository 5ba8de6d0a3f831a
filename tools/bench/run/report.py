"""The tables of a run, in Markdown: what must hold first, then each section. A figure that was not measured is "–"."""

from collections.abc import Iterable, Mapping
from typing import Any

from tools.bench import cold, cost

NONE = "–"
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
FACES = 100_000


def markdown(found: Mapping[str, Any]) -> str:
    """All of it."""
    about = found["about"]
    start = about["start"] or "nothing (no git, or no such commit)"
    machine = f"Python {about['python']}, {about['cores']} cores of {about['cpu']}, load {about['load']:.1f} at the end"
    head = [f"Commit {about['commit']} beside {start}; {machine}. Medians; CPU in milliseconds of all threads.", ""]
    parts = [_must(found), *(write(found[name]) for name, write in SECTIONS.items() if found.get(name))]
    return "\n".join([*head, *(line for part in parts for line in [*part, ""])])


def filled(document: str, text: str) -> str:
    """The document with the text between its marks."""
    before, _, rest = document.partition(f"{BEGIN}\n")
    return f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}"


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> list[str]:
    """Lines of a Markdown table."""
    columns = list(columns)
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


def ratio(one: float | None, other: float | None) -> str:
    """To two digits."""
    return f"{one / other:.2f}" if one is not None and other else NONE


def _number(value: float | None, form: str = ".1f") -> str:
    return NONE if value is None else format(value, form)


def _of(found: Mapping[str, Any], *path: Any) -> Any:
    value: Any = found
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _pair(found: Mapping[str, Any], megapixels: float) -> Mapping[str, Any]:
    rows = found.get("search") or ()
    return next((row for row in rows if (row["megapixels"], row["faces"]) == (megapixels, FACES)), {})


def _photo(found: Mapping[str, Any], megapixels: int, people: int) -> Mapping[str, Any]:
    rows = found.get("indexing") or ()
    return next((row for row in rows if (row["megapixels"], row["people"]) == (megapixels, people)), {})


def _must(found: Mapping[str, Any]) -> list[str]:
    """The ratios that this is held to: see docs/contributing/benchmarks.md."""
    two, twelve, photo = _pair(found, 2), _pair(found, 12), _photo(found, 12, 4)
    empty, page = _of(found, "faceless", "now") or {}, _of(found, "pages", "now") or {}
    dlib, cpu = _of(found, "peers", "dlib") or {}, _of(two, "now", "cpu")
    starts, restore = _of(found, "cold", "starts") or {}, _of(found, "cold", "restore") or {}
    calls = [_of(two, "now", name) or NONE for name in ("round_trips", "in_turn_after_probe")]
    theirs_photo, theirs_search = (_of(dlib, name, "cpu") for name in ("photo-12-4", "selfie-2"))
    ready, models = starts.get(cold.SEARCH_READY), starts.get(cold.BARE_MODELS)
    post, both = _dollars(found, cost.Assumptions())
    rows = [
        ("search of 2 MP, 1e5 faces: CPU over start", _over_start(two), "≤ .68"),
        ("search of 12 MP, 1e5 faces: CPU over start", _over_start(twelve), "≤ .65"),
        ("search of 2 MP with waits put in: wall over start", _over_start(two, "wall_with_waits"), "≤ .66"),
        ("search of 2 MP: CPU over the floor", ratio(cpu, two.get("floor_cpu")), "≤ 1.8"),
        ("faceless selfie: CPU over a good one", ratio(empty.get("faceless"), empty.get("good")), "≤ 3"),
        ("calls of a new search / in turn after the probe", f"{calls[0]} / {calls[1]}", "≤ 9 / ≤ 4"),
        ("page: read units", _number(_of(page, "page", "read_units"), "g"), "≤ 2"),
        ("page: CPU without DynamoDB over bare", ratio(page.get("cpu_from_memory"), page.get("bare_cpu")), "≤ 1.4"),
        ("photo of 12 MP, 4 faces: CPU over start", _over_start(photo), "≤ .52"),
        ("the same: face_recognition's CPU over ours", ratio(theirs_photo, _of(photo, "now", "cpu")), "≥ 4.3"),
        ("search of 2 MP: face_recognition's CPU over ours", ratio(theirs_search, cpu), "≥ 11"),
        ("cold start to the first result, over bare + models", ratio(ready, models), "≤ 1.15"),
        ("of it left after SnapStart's restore", ratio(restore.get("left"), sum(restore.values()) or None), "≤ .2"),
        ("1,000 POSTs at 1e5 faces, one in ten cold", post, "≤ $.017"),
        ("with three GETs each", both, "≤ $.028"),
        ("both, with HttpApi=true", " / ".join(_dollars(found, cost.Assumptions(http_api=True))), "the same"),
    ]
    return table(("what", "measured", "must"), rows)


def _dollars(found: Mapping[str, Any], given: cost.Assumptions) -> tuple[str, str]:
    """Of POSTs, and of these with their GETs, by the milliseconds of this run: see `make cost`."""
    if (assumptions := cost.of_bench(found, given)) == given:
        return NONE, NONE
    model = cost.Model(assumptions)
    post = cost.total(model.searches(FACES))
    return f"${post:.4f}", f"${post + cost.total(model.pages()):.4f}"


def _over_start(row: Mapping[str, Any], name: str = "cpu") -> str:
    return ratio(_of(row, "now", name), _of(row, "start", name))


def _search(rows: Any) -> list[str]:
    columns = ("selfie, faces", "CPU", "over start", "over floor", "wall", "wall with waits", "over start",
               "round trips", "in turn", "after probe", "read / write units", "bytes sent / received")  # fmt: skip
    lines = ["### A search", "", *table(columns, map(_searched, rows)), "", *_stages_of_search(rows)]
    return [*lines, "", *_operations(rows[len(rows) // 2])]


def _searched(row: Mapping[str, Any]) -> list[str]:
    now, start = row["now"], row.get("start")
    return [
        f"{row['megapixels']:g} MP, {row['faces']:,}",
        _number(now["cpu"]),
        ratio(now["cpu"], _of(row, "start", "cpu")),
        ratio(now["cpu"], row["floor_cpu"]),
        _number(now["wall"]),
        _number(now["wall_with_waits"]),
        ratio(now["wall_with_waits"], start and start["wall_with_waits"]),
        *(_beside(now, start, name) for name in ("round_trips", "in_turn", "in_turn_after_probe")),
        f"{now['read_units']:g} / {now['write_units']}",
        f"{now['sent']:,} / {now['received']:,}",
    ]


def _beside(now: Mapping[str, Any], start: Mapping[str, Any] | None, name: str) -> str:
    return f"{now[name]}" + (f" (start {start[name]})" if start else "")


def _stages_of_search(rows: Any) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row["now"]["stages"]))
    labels = [f"{row['megapixels']:g} MP, {row['faces']:,}" for row in rows]
    lines = []
    for name in names:
        cells = [_stage(row["now"], name) + _in_start(row, name) for row in rows]
        lines.append([name, *cells])
    floors = [[f"floor: {part}", *(_number(row["floor"][part]) for row in rows)] for part in rows[0]["floor"]]
    said = "Runs x milliseconds of the calling thread's CPU by stage, in brackets those of the start; `probe` holds "
    said += "decode, looks, align and forwards, `align` a face's own looks. OpenCV's threads are not in it."
    return [said, "", *table(("stage", *labels), [*lines, *floors])]


def _stage(side: Mapping[str, Any], name: str) -> str:
    spent = side["stages"].get(name)
    return f"{spent['runs']:g} x {spent['cpu'] / max(1, spent['runs']):.1f}" if spent else NONE


def _in_start(row: Mapping[str, Any], name: str) -> str:
    return f" ({_stage(row['start'], name)})" if row.get("start") else ""


def _operations(row: Mapping[str, Any]) -> list[str]:
    sides = [name for name in ("now", "start") if row.get(name)]
    names = list(dict.fromkeys(name for side in sides for name in row[side]["calls"]))
    lines = [[name, *(_asked(row[side]["calls"].get(name)) for side in sides)] for name in names]
    said = f"What a search of {row['megapixels']:g} MP among {row['faces']:,} faces asks for: times, and milliseconds."
    return [said, "", *table(("operation", *sides), lines)]


def _asked(call: Mapping[str, float] | None) -> str:
    return NONE if call is None else f"{call['count']} x {call['wall']:.1f}"


def _faceless(found: Any) -> list[str]:
    rows = [
        [name, _number(each["good"]), _number(each["faceless"]), ratio(each["faceless"], each["good"]), each["looks"]]
        for name, each in found.items()
    ]
    return ["### A selfie without a face", "", *table(("", "CPU, good", "CPU, faceless", "ratio", "looks"), rows)]


def _pages(found: Any) -> list[str]:
    rows = []
    for name, side in found.items():
        for kind in ("page", "replay"):
            each = side[kind]
            rows.append(
                [f"{kind}, {name}", each["round_trips"], f"{each['read_units']:g}", f"{each['cpu']:.2f}",
                 f"{each['received']:,}", f"{each['body']:,}", each["images"]]
            )  # fmt: skip
    columns = ("", "round trips", "read units", "CPU", "bytes read", "bytes of the body", "photos")
    memory = [
        [name, _number(side["cpu_from_memory"], ".3f"), _number(side["bare_cpu"], ".3f"),
         ratio(side["cpu_from_memory"], side["bare_cpu"])]
        for name, side in found.items()
    ]  # fmt: skip
    columns_of_memory = ("page's handler", "CPU without DynamoDB", "bare handler, same JSON", "ratio")
    return ["### A page and a replay", "", *table(columns, rows), "", *table(columns_of_memory, memory)]


def _indexing(rows: Any) -> list[str]:
    columns = ("photo", "CPU", "over start", "faces", "runs of the detector", "peak MB", "decode", "detector",
               "forwards", "renditions", "photos a second and core")  # fmt: skip
    return ["### Indexing", "", *table(columns, map(_indexed, rows))]


def _indexed(row: Mapping[str, Any]) -> list[str]:
    now, start = row["now"], row.get("start")
    cells = [f"{_spent(now, name)}" + (f" ({_spent(start, name)})" if start else "")
             for name in ("decode photo", "look", "forwards", "renditions")]  # fmt: skip
    return [
        f"{row['megapixels']} MP, {row['people']} faces",
        _number(now["cpu"], ".0f"),
        ratio(now["cpu"], _of(row, "start", "cpu")),
        _beside(now, start, "faces"),
        _beside(now, start, "looks"),
        _number(now["peak"] and now["peak"] / 1e6, ".0f"),
        *cells,
        f"{1000 / now['cpu']:.2f}",
    ]


def _spent(side: Mapping[str, Any], name: str) -> str:
    return _number(_of(side, "stages", name, "cpu"), ".0f")


def _peers(found: Any) -> list[str]:
    lines = ["### Others", ""]
    if found["dlib"] is None:
        lines += ["face_recognition is not installed, so it is not compared."]
    else:
        rows = [[name, _number(each["cpu"], ".0f"), each["faces"]] for name, each in found["dlib"].items()]
        lines += table(("face_recognition", "CPU", "faces"), rows)
    if found["faiss"] is None:
        return [*lines, "", "faiss is not installed, so it is not compared."]
    rows = [
        [f"{int(size):,}", _number(found["own_scan"][size], ".2f"), _number(theirs, ".2f"),
         ratio(theirs, found["own_scan"][size])]
        for size, theirs in found["faiss"].items()
    ]  # fmt: skip
    return [*lines, "", *table(("faces", "our scan, wall", "faiss IndexFlatIP, wall", "ratio"), rows)]


def _cold(found: Any) -> list[str]:
    rows = [[name, _number(each, ".0f")] for name, each in found["starts"].items()]
    restore = found["restore"]
    said = f"Under SnapStart: {restore['init']:.0f} ms before the snapshot, {restore['left']:.0f} ms after the restore."
    return ["### Cold starts", "", *table(("until the first event is asked for", "ms"), rows), "", said]


def _load(found: Any) -> list[str]:
    counts = list(next(iter(found.values())))
    rows = []
    for name, by_count in found.items():
        cells = [
            f"{each['median']:.1f} ms, {each['a_second']:.0f}/s"
            + (f", {each['failed']} failed" if each["failed"] else "")
            for each in by_count.values()
        ]
        bare = [ratio(by_count[count]["median"], found["bare"][count]["median"]) for count in counts]
        rows.append([name, *cells, ", ".join(bare)])
    columns = ("", *(f"{count} clients" for count in counts), "median over bare")
    return ["### Load over HTTP, through the local stack", "", *table(columns, rows)]


def _failed(each: Mapping[str, float]) -> str:
    return f", {each['failed']:g} failed" if each["failed"] else ""


SECTIONS = {
    "search": _search,
    "faceless": _faceless,
    "pages": _pages,
    "indexing": _indexing,
    "peers": _peers,
    "cold": _cold,
    "load": _load,
}
