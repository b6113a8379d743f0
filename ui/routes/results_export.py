"""/api/results/export: the results as CSV, as a LaTeX table, or as a page of its own that opens without a server."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from thud.errors import BadRequest
from ui.house import House

Json = dict[str, Any]
KINDS = {"csv": "text/csv", "tex": "application/x-tex", "html": "text/html"}
VIEWS = ("leaderboard", "model", "compare")
HEAD = ("listener", "model", "arm", "question_set", "row", "cell", "value", "low", "high", "n", "sources")
SIGNS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
SIGNS |= {sign: f"\\{sign}" for sign in "&%$#_{}"}


def export_router(house: House) -> APIRouter:
    """The download. Its parameters are those of the view it comes from."""
    router = APIRouter()

    @router.get("/export")
    def export(request: Request) -> Response:
        query = dict(request.query_params)
        kind, view = query.get("kind", ""), query.get("view", "") or "leaderboard"
        if kind not in KINDS or view not in VIEWS:
            raise BadRequest(f"kind is one of {', '.join(KINDS)}; view is one of {', '.join(VIEWS)}.")
        content = exported(house, kind, view, query)
        name = f"thud-{view}-{datetime.now(UTC):%Y-%m-%d}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=f"{KINDS[kind]}; charset=utf-8", headers=headers)

    return router


def exported(house: House, kind: str, view: str, query: dict[str, str]) -> str:
    """The file's text."""
    from ui.results.data import compare_json, leaderboard_json, model_json
    from ui.results.report import report

    if kind == "html":
        return report(house.store, query, house.name)
    if kind == "tex" and view != "leaderboard":
        raise BadRequest("LaTeX is made of the leaderboard. Choose view=leaderboard, or CSV.")
    if view == "model":
        return model_csv(model_json(house.store, query))
    if view == "compare":
        return compare_csv(compare_json(house.store, query))
    board = leaderboard_json(house.store, query)
    return leaderboard_csv(board) if kind == "csv" else leaderboard_tex(board)


def leaderboard_csv(board: Json) -> str:
    """One line per row and cell: value, low, high as shares, and the items it rests on. Published rows say so."""
    lines = [
        [row["listener"], row["model"], row["arm"], row["set"]["name"], row["row"], cell, *_numbers(estimate)]
        for row in board["rows"] for cell, estimate in cells_of(row)
    ]  # fmt: skip
    lines += [
        [f"{row['name']} (published)", "", "", row["source"], "", cell, *_numbers(estimate)]
        for row in board["published"]
        for cell, estimate in [*row["cells"].items(), ("gap", row["gap"]), ("three", row["three"])]
    ]
    return _csv(HEAD, lines)


def cells_of(row: Json) -> Iterator[tuple[str, Json | None]]:
    """Every figure of a row by its name."""
    yield from row["cells"].items()
    yield from ((f"both_{task}", estimate) for task, estimate in row["both"].items())
    yield from ((name, row[name]) for name in ("gap", "dprime", "three", "alike"))
    yield from controls_of(row)
    no_answer = row["no_answer"]
    yield "no_answer", {"value": no_answer["value"], "low": None, "high": None, "n": no_answer["n"], "sources": None}


def controls_of(row: Json) -> Iterator[tuple[str, Json | None]]:
    """What stands beside `alike`: what the sound alone allows, under other pictures, and how far above the first."""
    held = row["controls"] or {"ceiling": None, "shuffled": None, "over": None}
    yield from (("sound_alone", held["ceiling"]), ("another_picture", held["shuffled"]))
    yield "over_sound_alone", held["over"]


def model_csv(page: Json) -> str:
    """One line per axis, segment of a panel, cell of a matrix, offset and sound class, and the controls of sync."""
    lines: list[list[Any]] = [["axis", axis["key"], "", *_numbers(axis)] for axis in page["axes"]]
    if page["controls"]:
        held = [("alike", page["controls"]["accuracy"]), *controls_of(page)]
        lines += [["sync", name, "", *_numbers(estimate)] for name, estimate in held]
    lines += [
        [f"panel {panel['key']}", part["key"], row["listener"], part["share"], "", "", part["count"], ""]
        for panel in page["panels"]
        for row in panel["rows"]
        for part in row["segments"]
    ]
    lines += [
        [f"matrix {matrix['task']}", cell["label"], row["condition"], "", "", "", cell["count"], ""]
        for matrix in page["matrices"]
        for row in matrix["rows"]
        for cell in row["cells"]
    ]
    points = page["offsets"]["points"]
    lines += [["offset", point["offset_s"], point["direction"], *_numbers(point)] for point in points]
    lines += [["kind", kind["kind"], "", *_numbers(kind)] for kind in page["kinds"]]
    return _csv(("figure", "name", "of", "value", "low", "high", "n", "sources"), lines)


def compare_csv(page: Json) -> str:
    """One line per cell: both shares, the difference B − A with its interval, and the tests."""
    names = ("a_only", "b_only", "mcnemar", "test", "p", "holm", "can_show")
    told = page["listening"]
    lines = [
        [
            row["cell"],
            row["a"]["value"],
            row["b"]["value"],
            *_numbers(row["difference"]),
            *(row[name] for name in names),
        ]
        for row in page["cells"]
    ]
    if told:
        sides = {
            name: [_share(told[side], name) for side in ("a", "b")] for name in ("accuracy", "ceiling", "shuffled")
        }
        tested = {"test": told["test"], "p": told["p"]}
        figures = [*sides["accuracy"], *_numbers(told["difference"])]
        lines.append(["sync_alike", *figures, *(tested.get(name, "") for name in names)])
        lines += [["sound_alone", *sides["ceiling"]], ["another_picture", *sides["shuffled"]]]
        lines.append([told["words"]])
    return _csv(("cell", "a", "b", "difference", "low", "high", "n", "sources", *names), lines)


def _share(held: Json | None, name: str) -> Any:
    return held[name]["value"] if held and held[name] else ""


def _numbers(estimate: Json | None) -> list[Any]:
    return [estimate[name] for name in ("value", "low", "high", "n", "sources")] if estimate else [""] * 5


def _csv(head: tuple[str, ...], lines: list[list[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([[_safe(value) for value in line] for line in lines])
    return out.getvalue()


def _safe(value: Any) -> Any:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


ALIKE = (
    "Sound alone: what a guesser gets who knows only where the sound lies; other pict.: under another clip's picture."
)
COLUMNS = (
    "sync_original", "sync_shifted", "existence_original", "existence_muted", "consistency_original",
    "consistency_swapped",
)  # fmt: skip


def leaderboard_tex(board: Json) -> str:
    """The paper's table 1 with intervals under every figure, and the controls of sync. Needs \\usepackage{booktabs}."""
    measured = [line for row in board["rows"] for line in _tex_row(_tex_name(row), row)]
    published = [line for row in board["published"] for line in _tex_row(tex(row["name"]), row)]
    return "\n".join([
        "% \\usepackage{booktabs}", f"% {tex(board['method'])}", f"% {ALIKE}",
        "\\begin{tabular}{lrrrrrrrrrr}", "\\toprule",
        " & \\multicolumn{2}{c}{Sync} & \\multicolumn{2}{c}{Existence} & \\multicolumn{2}{c}{Consistency} & "
        "& \\multicolumn{3}{c}{Sync, classes alike} \\\\",
        "\\cmidrule(lr){2-3}\\cmidrule(lr){4-5}\\cmidrule(lr){6-7}\\cmidrule(lr){9-11}",
        "Listener & Orig. & Shift & Orig. & Mute & Orig. & Swap & Avg.\\ gap & Right & Sound alone & Other pict. \\\\",
        "\\midrule", *measured, "\\midrule",
        "\\multicolumn{11}{l}{\\emph{Published, other clips and prompts}} \\\\", *published, "\\bottomrule",
        "\\end{tabular}", "",
    ])  # fmt: skip


def _tex_name(row: Json) -> str:
    return tex(f"{row['listener']}, {row['arm_words']}, {row['set']['name']}")


def _tex_row(name: str, row: Json) -> list[str]:
    held = [each for _, each in controls_of(row)][:2] if row.get("controls") else [None, None]
    estimates = [*(row["cells"].get(cell) for cell in COLUMNS), row["gap"], row["alike"], *held]
    figures = " & ".join(
        [name, *("--" if each is None or each["value"] is None else f"{100 * each['value']:.1f}" for each in estimates)]
    )
    ranges = " & ".join(["", *(_tex_range(each) for each in estimates)])
    return [f"{figures} \\\\", f"{ranges} \\\\"]


def _tex_range(estimate: Json | None) -> str:
    if estimate is None or estimate["low"] is None:
        return ""
    return f"{{\\scriptsize [{100 * estimate['low']:.1f}, {100 * estimate['high']:.1f}]}}"


def tex(text: str) -> str:
    """The text with what LaTeX would take as its own escaped, on one line."""
    return "".join(SIGNS.get(sign, sign) for sign in " ".join(text.split()))
