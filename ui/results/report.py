"""The results as one HTML file that opens without a server: no script, nothing fetched, every text escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from thud.evaluation.answers import RULES_VERSION
from thud.evaluation.decomposition import CELL_FIGURES
from thud.evaluation.scoring import TASKS
from ui.results.data import compare_json, leaderboard_json, model_json
from ui.results.rows import ARM_WORDS

if TYPE_CHECKING:
    from thud.store import Store

Json = dict[str, Any]
MOST_ROWS = 12
"""Listeners with a section of their own; the table holds all."""
COLOURS = {
    "right": "#2f8f83", "right_shift": "#6fb5ab", "as_synced": "#c2553f", "as_shifted": "#d9964f",
    "false_shift": "#b9783a", "other": "#8a8f9c", "absent": "#c9ccd4",
}  # fmt: skip
STYLE = """
:root{color-scheme:light dark;--b:#fff;--t:#1c1e24;--t2:#5b606d;--l:#d8dbe2;--r:#f4f5f7;--a:#2f8f83}
@media(prefers-color-scheme:dark){:root{--b:#15161a;--t:#e7e9ee;--t2:#9ba1ae;--l:#343842;--r:#1e2026;--a:#6fc5b9}}
*{box-sizing:border-box}body{margin:0 auto;max-width:1180px;padding:24px;background:var(--b);color:var(--t);
font:14px/20px system-ui,sans-serif}h1{font-size:22px;line-height:28px}h2{font-size:17px;margin:32px 0 8px}
h3{font-size:14px;margin:20px 0 6px}p,dd,figcaption,small{color:var(--t2)}.t{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:4px 8px;text-align:right;border-bottom:1px solid var(--l);white-space:nowrap}
th{color:var(--t2);font-weight:500;vertical-align:bottom}th:first-child,td:first-child{text-align:left}
small{display:block;font-size:11px;line-height:14px}.hit{box-shadow:inset 0 0 0 1.5px var(--a)}
.bar{display:flex;height:18px;border-radius:3px;overflow:hidden}.bar i{display:block}
.ax{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:8px}
.ax div{background:var(--r);border-radius:6px;padding:8px 10px}.ax b{font-size:19px}figure{margin:0}
svg{max-width:100%;height:auto}svg text{fill:var(--t2);font:11px system-ui,sans-serif}
small.w{white-space:normal;min-width:160px}
.key i{display:inline-block;width:10px;height:10px;border-radius:2px;margin:0 4px 0 12px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px}dd{margin:0;overflow-wrap:anywhere}
"""


def report(store: Store, query: Mapping[str, str], workspace: str) -> str:
    """The whole file: leaderboard, a section per row, the best two compared, and where it all comes from."""
    board = leaderboard_json(store, query)
    shown = board["rows"][:MOST_ROWS]
    pages = [model_json(store, {**query, "row": row["row"]}) for row in shown]
    parts = [_leaderboard(board), *(_model(page) for page in pages), _best_two(store, query, board)]
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>{_e(workspace)} · thud results</title><style>{STYLE}</style></head><body>"
        f"<h1>Do they listen?</h1><p>{_e(workspace)}, {board['items']:,} items of {board['clips']:,} clips, {made}.</p>"
        f"{''.join(parts)}{_provenance(board, made)}</body></html>\n"
    )


def _e(value: Any) -> str:
    return escape(str(value), quote=True)


def _percent(estimate: Json | None, scale: float = 100) -> str:
    if not estimate or estimate["value"] is None:
        return "–"
    text = f"{scale * estimate['value']:.1f}"
    if estimate["low"] is None:
        return text
    return f"{text}<small>{scale * estimate['low']:.1f} – {scale * estimate['high']:.1f}</small>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<div class='t'><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def _leaderboard(board: Json) -> str:
    head = [
        "listener",
        *(_e(figure.title) for figure in CELL_FIGURES),
        "average gap",
        "d′ sync",
        "no answer",
        "sync, classes alike",
        "sound alone",
        "another picture",
    ]
    rows = [
        [
            f"{_e(row['listener'])}<small>{_e(row['arm_words'])}, {_e(row['set']['name'])}{_tags(row)}</small>",
            *(_percent(row["cells"][figure.key]) for figure in CELL_FIGURES),
            _percent(row["gap"]), _percent(row["dprime"], 1), _percent({**row["no_answer"], "low": None}),
            *_controls(row["controls"]),
        ]
        for row in board["rows"]
    ]  # fmt: skip
    paper = [
        [f"{_e(row['name'])}<small>published, {_e(row['source'])}</small>",
         *(_percent(row["cells"].get(figure.key)) for figure in CELL_FIGURES),
         _percent(row["gap"]), "–", "–", _percent(row["three"]), "–", "–"]
        for row in board["published"]
    ]  # fmt: skip
    warnings = "".join(f"<p>{_e(line['text'])}</p>" for line in board["warnings"])
    note = (
        "% with 95 % interval. Published rows rest on other clips and prompts; their intervals are ours. Sound alone: "
        "the most that a guesser gets who knows only where the sound of these very items lies."
    )
    return f"<h2>Leaderboard</h2>{_table(head, rows + paper)}<p>{note} {_e(board['method'])}</p>{warnings}"


def _controls(held: Json | None) -> list[str]:
    """Accuracy on sync, what the sound alone allows, under another picture; the sentence below the first."""
    if not held:
        return ["–", "–", "–"]
    words = f"<small class='w'>{_e(held['words'])}</small>"
    other = _percent(held["shuffled"]) if held["shuffled"] or not held["ask"] else "not asked"
    return [f"{_percent(held['accuracy'])}{words}", _percent({**held["ceiling"], "low": None}), other]


def _tags(row: Json) -> str:
    return ", simulated" if row["simulated"] else ""


def _model(page: Json) -> str:
    head = page["head"]
    arm = ARM_WORDS.get(head["arm"], head["arm"])
    axes = "".join(
        f"<div>{_e(axis['title'])}<br><b>{_percent(axis)}</b><small>{_e(axis['words'])}, n {axis['n']}</small></div>"
        for axis in page["axes"]
    )
    held = f"<p><b>Is it listening?</b> {_e(page['controls']['words'])}</p>" if page["controls"] else ""
    where = f"<p>{_e(page['localise']['words'])}</p>" if page["localise"] else ""
    step = f"<p>{_e(page['step']['words'])}</p>" if page["step"] else ""
    notes = "".join(f"<p>{_e(note.get('actor', ''))}: {_e(note.get('text', ''))}</p>" for note in page["notes"])
    simulated = ", simulated" if head["simulated"] else ""
    return (
        f"<section><h2>{_e(head['listener'])}, {_e(arm)}</h2><p>{_e(head['model'])} {_e(head['set']['name'])}, "
        f"{head['items']:,} items{simulated}</p>{held}"
        f"<h3>Eight ways to fail, % (0 is best)</h3><div class='ax'>{axes}</div>"
        f"{''.join(_panel(panel) for panel in page['panels'])}{''.join(_matrix(each) for each in page['matrices'])}"
        f"{_offsets(page['offsets'])}{where}{step}{notes}</section>"
    )


def _panel(panel: Json) -> str:
    if not panel["of"]:
        return ""
    first = panel["rows"][0]["segments"]
    key = "".join(f"<i style='background:{_colour(part)}'></i>{_e(part['title'])}" for part in first)
    rows = "".join(
        f"<tr><td>{_e(row['listener'])}</td><td style='width:75%'><div class='bar'>{_parts(row)}</div></td></tr>"
        for row in panel["rows"]
    )
    title = f"<h3>{_e(panel['title'])}, {panel['of']:,} items</h3>"
    return f"{title}<table><tbody>{rows}</tbody></table><p class='key'>{key}</p>"


def _parts(row: Json) -> str:
    return "".join(
        f"<i style='width:{100 * (part['share'] or 0):.2f}%;background:{_colour(part)}' "
        f"title='{_e(part['title'])} {100 * (part['share'] or 0):.1f} %'></i>"
        for part in row["segments"]
    )


def _colour(part: Json) -> str:
    return COLOURS.get(part["look"], COLOURS["other"])


def _matrix(matrix: Json) -> str:
    head = ["shown", *(_e(column["label"].replace("_", " ")) for column in matrix["columns"]), "n"]
    top = "".join(f"<th>{cell}</th>" for cell in head)
    rows = "".join(
        f"<tr><td>{_e(row['condition'])}</td>"
        + "".join(f"<td{' class=hit' if cell['right'] else ''}>{cell['count']}</td>" for cell in row["cells"])
        + f"<td>{row['n']}</td></tr>"
        for row in matrix["rows"]
    )
    title = f"<h3>What it answered: {_e(matrix['task'])}</h3>"
    return f"{title}<div class='t'><table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>"


WIDE, HIGH, LEFT, TOP = 640, 240, 40, 12


def _offsets(offsets: Json) -> str:
    """Accuracy over the offset as a drawing: points with intervals, fitted curves."""
    points = offsets["points"]
    if not points:
        return ""
    most = max(abs(point["offset_s"]) for point in points) * 1.05

    def at(x: float, y: float) -> str:
        return f"{LEFT + (x + most) / (2 * most) * (WIDE - LEFT - 10):.1f},{TOP + (1 - y) * (HIGH - TOP - 30):.1f}"

    marks = []
    for share in (0.0, 0.5, 1.0):
        (x1, y1), (x2, _) = at(-most, share).split(","), at(most, share).split(",")
        marks.append(f"<path d='M{x1} {y1}H{x2}' stroke='var(--l)'/><text x='4' y='{float(y1) + 4}'>{share:.0%}</text>")
    for point in points:
        x, y = at(point["offset_s"], point["value"] or 0).split(",")
        if point["low"] is not None:
            low, high = (at(0, point[name]).split(",")[1] for name in ("low", "high"))
            marks.append(f"<path d='M{x} {low}V{high}' stroke='var(--t)'/>")
        marks.append(f"<circle cx='{x}' cy='{y}' r='3.5' fill='var(--a)'/>")
        marks.append(f"<text x='{x}' y='{HIGH - 8}' text-anchor='middle'>{point['offset_s']:+g}</text>")
    for curve in offsets["curves"]:
        inside = [at(x, y) for x, y in curve["points"] if abs(x) <= most]
        dash = " stroke-dasharray='5 4'" if curve["direction"] == "delayed" else ""
        marks.append(f"<polyline points='{' '.join(inside)}' fill='none' stroke='var(--a)'{dash}/>")
    words = "; ".join(curve["words"] for curve in offsets["curves"])
    caption = f"Offset in s; early is sound before picture. Right direction, %. {words}"
    return (
        f"<h3>Accuracy over offset</h3><figure><svg viewBox='0 0 {WIDE} {HIGH}' width='{WIDE}' role='img' "
        f"aria-label='Accuracy over offset'>{''.join(marks)}</svg><figcaption>{_e(caption)}</figcaption></figure>"
    )


def _best_two(store: Store, query: Mapping[str, str], board: Json) -> str:
    """The two best rows that were asked the same questions, compared."""
    ranked = sorted((row for row in board["rows"] if row["rank"]), key=lambda row: row["rank"])
    for i, first in enumerate(ranked):
        for second in ranked[i + 1 :]:
            if first["set"]["id"] == second["set"]["id"]:
                return _compared(compare_json(store, {**query, "a": second["row"], "b": first["row"]}))
    return ""


def _compared(page: Json) -> str:
    head = ["right, %", "A", "B", "B − A", "A only", "B only", "p", "Holm p", "can show"]
    rows = [
        [_e(row["title"]), _percent(row["a"]), _percent(row["b"]), _percent(row["difference"]), str(row["a_only"]),
         str(row["b_only"]), f"{row['p']:.3f}", f"{row['holm']:.3f}", _percent({"value": row["can_show"], "low": None})]
        for row in page["cells"]
    ]  # fmt: skip
    names = " against ".join(f"{side} {_e(page[side.lower()]['listener'])}" for side in ("A", "B"))
    verdict = f"<p><b>{_e(page['verdict']['answer'])}</b> {_e(page['verdict']['text'])}</p>"
    if page["listening"]:
        verdict += f"<p><b>Sync.</b> {_e(page['listening']['words'])}</p>"
    return f"<h2>The two best: {names}</h2>{verdict}{_table(head, rows)}<p>{_e(page['note'])}</p>"


def _provenance(board: Json, made: str) -> str:
    kept = {key: value for key, value in board["filter"].items() if value not in ("", [])}
    lines = [("Made", made), ("Filter", ", ".join(f"{key} = {value}" for key, value in kept.items()))]
    lines += [("Answers read by", kept["answers"]), ("Rules", f"version {RULES_VERSION}")]
    lines += [("Tasks", ", ".join(kept.get("tasks") or TASKS))]
    for row in board["rows"]:
        runs = ", ".join(row["runs"]) or "none"
        lines.append((row["listener"], f"{row['row']}; {row['model']}; runs {runs}; last answer {row['at']}"))
    body = "".join(f"<dt>{_e(name)}</dt><dd>{_e(value)}</dd>" for name, value in lines)
    return f"<h2>Where this comes from</h2><dl>{body}</dl>"
