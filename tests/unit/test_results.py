"""The Results page's routes on a real server: figures of listeners whose answers are known, items, exports."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.results_kit import ASKED, PERFECT, SYNCED, Ask, Mind, make_item, make_response, middling, responses
from tests.unit.test_routes_annotate import serving
from thud.errors import ThudError
from thud.records import Answer, Reading, Run
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import Store, changes, open_store
from ui.door.auth import AccountBook, Guard
from ui.house import House
from ui.routes.results import results_router
from ui.serve import _say

CLIPS = [f"clip{number:012d}" for number in range(20)]
HOSTILE = "<img src=x onerror=alert(1)>"
MINDS = (Mind("always", SYNCED), Mind("perfect", PERFECT), Mind("middling", middling(0.6)))
SHIFTS = (("original", None), ("early", -0.6), ("delayed", 0.6), ("delayed", 1.2), ("muted", None), ("swapped", None))


@dataclass(frozen=True, slots=True)
class Site:
    store: Store
    client: httpx.Client

    def get(self, view: str, /, **query: Any) -> dict[str, Any]:
        answer = self.client.get(f"/api/results/{view}", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def count(self, link: str) -> int:
        """How many items the page behind a link has."""
        answer = self.client.get(f"/api/results/items?{link}")
        assert answer.status_code == 200, answer.text
        return int(answer.json()["total"])

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.client.post(f"/api/results/{path}", json=body)

    def error(self, view: str, /, **query: Any) -> str:
        answer = self.client.get(f"/api/results/{view}", params=query)
        assert 400 <= answer.status_code < 500, answer.text
        return str(answer.json()["error"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("results")
    with ExitStack() as stack:
        store = stack.enter_context(open_store(folder / "a.duckdb", folder))
        listener = {"name": "middling", "backend": "compatible", "model": HOSTILE, "fps": 1.0, "simulated": True}
        settings = {"listener": listener, "warnings": ["middling sees 1 picture a second."]}
        store.add_run(Run("r1", "listen", "Ask", "done", 1, folder="runs/r1", settings=settings), "test")
        (folder / "runs" / "r1").mkdir(parents=True)
        (folder / "runs" / "r1" / "canary.json").write_text('{"passed": 4, "of": 6, "words": "It heard no beep."}')
        made = [
            *responses(MINDS[:2], CLIPS, SHIFTS, run_id="r0"), *responses(MINDS[2:], CLIPS, SHIFTS),
            *responses([Mind("frames", SYNCED, arm="picture_only")], CLIPS, SHIFTS, [Ask("sync")], run_id="r0"),
            *responses([Mind(name, PERFECT, rater=name) for name in ("ana", "ben")], CLIPS[:5], SHIFTS, run_id=""),
        ]  # fmt: skip
        store.write_many([changes.add_response(response, "test") for response in made])
        runs = Runs(store, folder, LocalExecutor())
        app = FastAPI()
        app.add_exception_handler(ThudError, _say)
        house = House(store, runs, folder, HOSTILE)
        app.include_router(results_router(house))
        book = AccountBook(folder / "accounts.json")
        app.add_middleware(Guard, accounts=book, allowed_hosts=("127.0.0.1",))
        url = stack.enter_context(serving(app))
        stack.enter_context(house.desk)
        yield Site(store, stack.enter_context(httpx.Client(base_url=url, timeout=60)))


def row_named(board: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in board["rows"] if row["listener"] == name)


def test_the_leaderboard_tells_the_prior_from_the_listener(site: Site) -> None:
    board = site.get("leaderboard")
    always, perfect = row_named(board, "always"), row_named(board, "perfect")
    values = {cell: each["value"] for cell, each in always["cells"].items()}
    assert values == {
        "sync_original": 1, "sync_shifted": 0, "existence_original": 1, "existence_muted": 0,
        "consistency_original": 1, "consistency_swapped": 0,
    }  # fmt: skip
    assert always["gap"]["value"] == pytest.approx(1)
    assert [each["value"] for each in always["both"].values()] == [0, 0, 0]
    assert abs(always["dprime"]["value"]) < 0.5 < 3 < perfect["dprime"]["value"]
    assert always["cells"]["sync_shifted"]["n"] == 60
    assert 0 < always["cells"]["sync_shifted"]["high"] < 0.4  # nobody is surely at 0
    assert [(row["listener"], row["rank"]) for row in board["rows"]] == [
        ("People", 1), ("perfect", 1), ("middling", 3), ("always", 4), ("frames", None),
    ]  # fmt: skip
    assert row_named(board, "frames")["why_not"] == {"existence": "no sound input", "consistency": "no sound input"}
    assert row_named(board, "People")["note"] == "2 blind raters, 5 clips"
    assert (board["clips"], len(board["published"])) == (20, 6)
    assert board["published"][0]["cells"]["existence_muted"]["value"] == pytest.approx(0.134)
    assert board["options"]["offsets"] == [0.6, 1.2]


def test_warnings_lead_to_their_items(site: Site) -> None:
    board = site.get("leaderboard")
    row = row_named(board, "middling")
    absent = sum(row["no_answer"][name] for name in ("unparsed", "refused", "error"))
    assert row["no_answer"]["value"] == pytest.approx(absent / row["no_answer"]["n"])
    unanswered = next(line for line in board["warnings"] if line["items"])
    assert site.count(unanswered["items"]["query"]) == absent
    texts = " ".join(line["text"] for line in board["warnings"])
    assert "failed the audio canary (4 of 6)" in texts
    assert "middling sees 1 picture a second." in texts
    assert row["simulated"]


def test_left_out_answers_raise_the_share_and_stay_counted(site: Site) -> None:
    wrong = row_named(site.get("leaderboard"), "middling")
    out = row_named(site.get("leaderboard", unparsed="out"), "middling")
    assert out["no_answer"] == wrong["no_answer"]
    assert out["cells"]["sync_shifted"]["value"] > wrong["cells"]["sync_shifted"]["value"]
    assert out["cells"]["sync_shifted"]["n"] < wrong["cells"]["sync_shifted"]["n"]


def test_every_figure_of_a_model_opens_the_items_it_counts(site: Site) -> None:
    row = row_named(site.get("leaderboard"), "middling")
    page = site.get("model", row=row["row"])
    for panel in page["panels"]:
        mine = panel["rows"][0]["segments"]
        assert sum(part["count"] for part in mine) == panel["of"]
        assert [site.count(part["items"]) for part in mine] == [part["count"] for part in mine]
        assert [line["listener"] for line in panel["rows"]][1] == "People"
        assert panel["rows"][-1]["published"]
    for axis in page["axes"]:
        if axis["key"] != "audio_dodge":
            assert site.count(axis["items"]) == round(axis["value"] * axis["n"])
    for matrix in page["matrices"]:
        for line in matrix["rows"]:
            assert sum(cell["count"] for cell in line["cells"]) == line["n"]
            assert [site.count(cell["items"]) for cell in line["cells"]] == [cell["count"] for cell in line["cells"]]
        assert [column["label"] for column in matrix["columns"] if column["outcome"]] == [
            "unparsed",
            "refused",
            "error",
        ]
    points = page["offsets"]["points"]
    assert [point["offset_s"] for point in points] == [-0.6, 0.6, 1.2]
    assert [site.count(point["items"]) for point in points] == [point["n"] for point in points] == [20, 20, 20]
    assert sum(kind["n"] for kind in page["kinds"]) == 60
    assert [site.count(kind["items"]) for kind in page["kinds"]] == [kind["n"] for kind in page["kinds"]]
    assert [(band["offset_s"], band["n"]) for band in page["bands"]] == [(0, 20), (1.2, 20), (0.6, 40)]
    assert {curve["direction"] for curve in page["offsets"]["curves"]} == {"early", "delayed"}
    assert page["step"]["seconds"] == 1.0
    assert "below what this listener can see" in page["step"]["words"]
    assert page["localise"]["within"][1]["n"] == 60


def test_a_filter_reaches_the_links(site: Site) -> None:
    row = row_named(site.get("leaderboard"), "middling")
    page = site.get("model", row=row["row"], kinds="glass", offsets="0.6")
    assert [point["offset_s"] for point in page["offsets"]["points"]] == [-0.6, 0.6]
    assert [site.count(point["items"]) for point in page["offsets"]["points"]] == [7, 7]
    board = site.get("leaderboard", kinds="glass")
    absent = {
        row["row"]: sum(row["no_answer"][name] for name in ("unparsed", "refused", "error")) for row in board["rows"]
    }
    unanswered = next(line for line in board["warnings"] if line["items"])
    assert site.count(unanswered["items"]["query"]) == absent[row["row"]] > 0


def test_two_listeners_compared_on_the_same_items(site: Site) -> None:
    board = site.get("leaderboard")
    a, b = (row_named(board, name)["row"] for name in ("always", "perfect"))
    page = site.get("compare", a=a, b=b)
    cells = {cell["cell"]: cell for cell in page["cells"]}
    assert page["verdict"]["answer"] == "Yes."
    assert (cells["sync_shifted"]["difference"]["value"], cells["sync_shifted"]["b_only"]) == (1, 60)
    assert (cells["sync_original"]["difference"]["value"], cells["sync_original"]["p"]) == (0, 1)
    assert page["flipped"] == {"a_wrong": 100, "b_wrong": 0}
    assert site.count(cells["sync_shifted"]["items_b"]) == 60
    assert site.count(cells["sync_shifted"]["items_a"]) == 0
    turned = site.get("compare", a=b, b=a)
    assert turned["flipped"] == {"a_wrong": 0, "b_wrong": 100}
    frames = row_named(board, "frames")["row"]
    assert site.get("compare", a=a, b=frames)["items"] == 80
    assert site.get("compare", a=frames, b=row_named(board, "People")["row"])["clips"] == 3


def test_an_item_in_full_and_a_persons_reading_of_it(site: Site) -> None:
    row = row_named(site.get("leaderboard"), "middling")["row"]
    listed = site.get("items", row=row, label="unparsed", task="existence", condition="muted")["items"]
    extra = make_response(MINDS[2], make_item("clip extra", "muted", None, ASKED[1]), "unparsed", run_id="r1")
    site.store.write(changes.add_response(extra, "test"))
    item = site.get(f"item/{extra.id}")
    assert (item["final"]["label"], item["final"]["right"], item["expected"]) == ("unparsed", False, "muted")
    assert "muted" in item["labels"]
    assert site.post("readings", response=extra.id, label="muted").json()["final"] == {
        "label": "muted", "method": "person", "right": True,
    }  # fmt: skip
    assert [each["reader"] for each in site.get(f"item/{extra.id}")["readings"]][0].startswith("person:")
    now = site.get("items", row=row, label="unparsed", task="existence", condition="muted")["items"]
    assert [each["response"] for each in now] == [each["response"] for each in listed]
    by_rules = site.get("items", row=row, label="unparsed", task="existence", condition="muted", answers="rules")
    assert by_rules["total"] == len(listed) + 1
    assert site.post("readings/undo", response=extra.id).json()["final"]["label"] == "unparsed"
    assert "nothing to take back" in site.post("readings/undo", response=extra.id).json()["error"]
    assert "no answer to this question" in site.post("readings", response=extra.id, label="synced").json()["error"]
    assert site.post("readings", response="nothing", label="muted").status_code == 404
    failed = make_response(MINDS[2], make_item("clip failed", "muted", None, ASKED[1]), "error", run_id="r1")
    site.store.write(changes.add_response(failed, "test"))
    assert "nothing to read" in site.post("readings", response=failed.id, label="muted").json()["error"]


def test_an_item_says_how_far_judges_agree_with_people(site: Site) -> None:
    listed = site.get("items", row=site.get("leaderboard")["rows"][0]["row"], task="sync")["items"]
    first, second, third = (item["response"] for item in listed[:3])
    assert site.get(f"item/{first}")["judge"]["kappa_words"] == ""
    said = {first: ("early", "early", ""), second: ("synced", "early", ""), third: ("synced", "synced", "no quote")}
    for response, (judge, person, problem) in said.items():
        site.store.add_reading(Reading(response, "judge:k", Answer(judge, method="judge"), problem), "judge")
        site.store.add_reading(Reading(response, "person:ana", Answer(person, method="person")), "ana")
    words = site.get(f"item/{third}")["judge"]["kappa_words"]
    assert words.startswith("Judge and people agree on 1 of 2 answers"), "a reading that failed does not count"


def test_views_and_notes_are_kept(site: Site) -> None:
    row = row_named(site.get("leaderboard"), "perfect")["row"]
    assert [view["name"] for view in site.post("views", name="mine", query="set=structured").json()["views"]] == [
        "mine"
    ]
    assert site.get("views")["views"][0]["query"] == "set=structured"
    assert site.post("views", name="mine", query=None).json()["views"] == []
    assert site.post("notes", row=row, text=HOSTILE).status_code == 200
    page = site.get("model", row=row)
    assert page["head"]["note_text"] == HOSTILE
    assert site.post("notes", row="x.audio_video.y", text="?").status_code == 404


BAD: list[tuple[str, dict[str, str], str]] = [
    ("leaderboard", {"answers": "guess"}, "answers"), ("leaderboard", {"arm": "x' OR 1=1"}, "arm"),
    ("leaderboard", {"offsets": "0.6,wide"}, "offsets"), ("leaderboard", {"offsets": "nan"}, "offsets"),
    ("leaderboard", {"sort": "1; DROP TABLE response"}, "sort"), ("leaderboard", {"set": "nobody's"}, "question set"),
    ("leaderboard", {"unparsed": "right"}, "unparsed"), ("leaderboard", {"tasks": "choice"}, "tasks"),
    ("leaderboard", {"q": "x" * 400}, "too long"), ("leaderboard", {"kinds": ",".join(map(str, range(99)))}, "kinds"),
    ("model", {}, "row is missing"), ("model", {"row": "nobody"}, "row is no row"),
    ("model", {"row": "nobody.audio_video.structured"}, "no answers of this row"),
    ("compare", {"a": "x.audio_video.y"}, "b is missing"), ("items", {"label": "nonsense"}, "label"),
    ("items", {"page": "0"}, "page"), ("items", {"per": "100000"}, "per"), ("items", {"offset": "1e999"}, "offset"),
    ("items", {"flip": "a_wrong"}, "flip"), ("items", {"a": "x.audio_video.y"}, "belong together"),
    ("items", {"condition": "broken"}, "condition"), ("items", {"right": "maybe"}, "right"),
    ("export", {"kind": "exe"}, "kind"), ("export", {"kind": "tex", "view": "model"}, "LaTeX"),
    ("item/nothing", {}, "no response"),
]  # fmt: skip


@pytest.mark.parametrize(("view", "query", "word"), BAD)
def test_nonsense_gets_a_sentence(site: Site, view: str, query: dict[str, str], word: str) -> None:
    assert word in site.error(view, **query)


def test_what_a_user_types_is_never_sql(site: Site) -> None:
    for text in ("'", "%' OR 1=1 --", "\\", "\x00"):
        assert site.get("leaderboard", q=text)["rows"] == []
        assert site.get("leaderboard", kinds=text)["rows"] == [] or not text.strip()
    assert len(site.get("leaderboard", q="PERF")["rows"]) == 1


def test_csv_and_latex_hold_the_table(site: Site) -> None:
    board = site.get("leaderboard", q="middling")
    answer = site.client.get("/api/results/export", params={"kind": "csv", "q": "middling"})
    assert "attachment" in answer.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    mine = {line["cell"]: line for line in lines if line["listener"] == "middling"}
    cell = row_named(board, "middling")["cells"]["sync_shifted"]
    assert float(mine["sync_shifted"]["value"]) == cell["value"]
    assert int(mine["sync_shifted"]["n"]) == 60
    assert sum("published" in line["listener"] for line in lines) == 6 * 8
    table = site.client.get("/api/results/export", params={"kind": "tex"}).text
    assert table.count(r"\\") == 3 + 2 * (5 + 6)
    assert f"{100 * cell['value']:.1f}" in table
    row = row_named(board, "middling")["row"]
    for view, query in (("model", {"row": row}), ("compare", {"a": row, "b": row})):
        text = site.client.get("/api/results/export", params={"kind": "csv", "view": view, **query}).text
        assert len(text.splitlines()) > 6


class Page(HTMLParser):
    """What a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href") or name.startswith("on")]


def test_the_report_is_one_file_that_fetches_and_runs_nothing(site: Site) -> None:
    row = row_named(site.get("leaderboard"), "perfect")["row"]
    site.post("notes", row=row, text=HOSTILE)
    text = site.client.get("/api/results/export", params={"kind": "html"}).text
    page = Page()
    page.feed(text)
    assert page.sources == []
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert HOSTILE not in text
    assert text.count("&lt;img src=x") >= 2
    assert page.tags.count("section") == 5
    assert page.tags.count("svg") >= 4
    assert "prefers-color-scheme:dark" in text
    assert "The two best: A" in text
    assert "Where this comes from" in text
