"""Sets of pairs as the page reads them: what there is, one set with its funnel and lint, its rows under a filter."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.pairs.pair import SPLITS, TYPES
from ui.cards import asked as asked_for

if TYPE_CHECKING:
    from thud.pairs.pair_set import PairSet
    from thud.pairs.recipe import Recipe
    from thud.records import Run, Stimulus
    from thud.runs.pairs.files import Leaving
    from thud.store import Store
    from ui.house import House

Json = dict[str, Any]
Words = Mapping[str, str]
HELD, WORDS = ("", "no", "yes"), ("", "approved", "dropped", "none")
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows. held: "" = all of them. word: "none" = those nobody has said anything of. at: place among those.

    pair: the row's number, which then says where the answer begins.
    """

    type: str = ""
    split: str = ""
    check: str = ""
    word: str = ""
    held: str = ""
    condition: str = ""
    at: int = 0
    n: int = 60
    pair: int | None = None


def asked(query: Mapping[str, str]) -> Wanted:
    """The filter of an address. BadRequest for what it cannot mean."""
    _one_of("held", query.get("held", ""), HELD)
    _one_of("word", query.get("word", ""), WORDS)
    _one_of("split", query.get("split", ""), ("", *SPLITS))
    number = query.get("pair", "")
    return Wanted(
        query.get("type", ""), query.get("split", ""), query.get("check", ""), query.get("word", ""),
        query.get("held", ""), query.get("condition", ""), _whole("at", query.get("at", "0"), 10**9),
        _whole("n", query.get("n", "60"), MOST_ROWS), _whole("pair", number, 10**9) if number else None,
    )  # fmt: skip


def _one_of(name: str, value: str, legal: tuple[str, ...]) -> None:
    if value not in legal:
        raise BadRequest(f"{name} is one of {', '.join(one for one in legal if one)}, or nothing.")


def _whole(name: str, value: str, most: int) -> int:
    if not value.isdecimal() or len(value) > 10 or int(value) > most:
        raise BadRequest(f"{name} is a whole number from 0 to {most}.")
    return int(value)


def overview_json(house: House) -> Json:
    """Everything the page begins with: recipes, types, sets (newest first), material."""
    from thud.pairs.builders import BUILDERS
    from thud.runs.pairs.gather import settled_times
    from thud.runs.pairs.sets import all_recipes, held_out, pair_sets

    store = house.store
    clips, own = {clip.id: clip for clip in store.clips()}, store.definitions("recipe")
    stimuli = [one for one in store.stimuli() if one.proof.verdict == "verified"]
    settled, _ = settled_times(store, clips)
    return {
        "clips": len(clips), "settled": len(settled),
        "built": len({one.clip_id for one in stimuli}), "stimuli": len(stimuli),
        "types": [{"type": one, "teaches": BUILDERS[one].teaches, "needs": BUILDERS[one].needs} for one in TYPES],
        "recipes": [recipe_row(one, own=one.name in own) for one in all_recipes(store).values()],
        "sets": [{"id": name, **one} for name, one in pair_sets(store).items()],
        "held_out": [{"name": name, **one, "clips": len(one["clips"])} for name, one in held_out(store).items()],
        "material": material_json(store),
        "choosers": choosers(store),
    }  # fmt: skip


def recipe_row(recipe: Recipe, *, own: bool) -> Json:
    """A recipe as the page edits it."""
    from thud.pairs.recipe import recipe_json

    return {**recipe_json(recipe), "total": recipe.total, "own": own}


def material_json(store: Store) -> Json:
    """What was imported to make general-video pairs from."""
    from thud.runs.pairs.material import choices_of, picture_only, segments_of

    choices = [one for many in choices_of(store).values() for one in many]
    asked_without = picture_only(store)
    files = store.definitions("pair_material")
    return {
        "files": [{"id": name, **body} for name, body in files.items() if isinstance(body, dict)],
        "segments": sum(len(many) for many in segments_of(store).values()),
        "choices": len(choices),
        "audio_choices": sum(one.family == "audio" for one in choices),
        "asked_without_sound": len(asked_without), "kept_without_sound": sum(asked_without.values()),
    }  # fmt: skip


def choosers(store: Store) -> list[str]:
    """Listeners that can be asked without sound."""
    from thud.runs.listening.listen import listeners

    return [name for name, one in listeners(store).items() if "picture_only" in one.allowed_arms]


def outcome_json(house: House, run_id: str) -> Json:
    """What an ended run left: the set it made, the folder it wrote, or why there is none."""
    run, lines = house.runs.run(run_id), house.runs.results(run_id)
    result: Json = next((line["result"] for line in lines if line.get("result")), {})
    refused = next((line["reason"] for line in lines if line.get("reason")), "")
    folder = str(Path(result["folder"]).absolute()) if result.get("folder") else ""
    return {
        "set": result.get("set", "") or _reworded(house.store, run), "folder": folder,
        "refused": refused if not result else "",
        "empty": result.get("pairs") == 0, "words": f"{run.title}: {run.message}" if run.message else "",
    }  # fmt: skip


def _reworded(store: Store, run: Run) -> str:
    """The set that a rewriting run made of its replies; "" for other runs and where nothing changed."""
    from thud.runs.pairs.sets import pair_sets

    if run.kind != "rewrite":
        return ""
    mine = ("rewritten", run.settings.get("set"), run.created_at)
    sets = pair_sets(store).items()
    return next((name for name, one in sets if (one["origin"], one["parent"], one["made_at"]) == mine), "")


def set_json(house: House, set_id: str) -> Json:
    """One set's summary, with names for its subjects, and which of its clips have changed since.

    words: what people said, of pairs that are not held back. leaves: what an export would take along.
    """
    from thud.pairs.lint import CHECKS
    from thud.runs.pairs.files import leaving
    from thud.runs.pairs.sets import find_set, words

    held = find_set(house.store, set_id)
    said, parting = words(house.store), leaving(house.store, held)
    ids = (said[one.id] for one in held.lines(held=False) if one.id in said)
    summary = dict(held.summary)
    # Row numbers of every finding can be thousands; the page asks for them by name.
    lint = summary.get("lint") or {"rows": 0, "checks": []}
    known = [one for one in lint["checks"] if one["check"] in CHECKS]
    checks = [{**one, "rows": [], "of_rows": CHECKS[one["check"]].of_rows} for one in known]
    summary["lint"] = {**lint, "checks": checks}
    tests = sum(split == "test" for split in (summary.pop("split_of", None) or {}).values())
    summary.pop("basis", None)  # thousands of hashes that no page shows
    return {
        **summary, "tests": tests, "stale": list(parting.stale), "words": Counter(ids),
        "leaves": leaves_json(parting), "titles": _titles(house.store, held.summary),
    }  # fmt: skip


def leaves_json(parting: Leaving) -> Json:
    """What an export would take along now, by split, and what stays, by the reason."""
    stays = {reason: count for reason, count in parting.kept_back.items() if count}
    return {"pairs": len(parting.lines), "splits": Counter(line.split for line in parting.lines), "stays": stays}


def _titles(store: Store, summary: Mapping[str, Any]) -> dict[str, list[str]]:
    """What the clips and stimuli among the funnel's subjects are called, and where they are shown."""
    named = {
        subject
        for steps in (summary.get("funnel") or {}).values()
        for step in steps
        for loss in step.get("losses", ())
        for subject in loss.get("subjects", ())
    }
    if not named:
        return {}
    clips = {clip.id: clip.title for clip in store.clips()}
    found = {key: [clips[key], f"/clips?clip={key}"] for key in named if key in clips}
    if len(found) < len(named):
        sounds = [one for one in store.stimuli() if one.id in named and one.clip_id in clips]
        found |= {
            one.id: [f"{clips[one.clip_id]}, {sound_words(one)}", f"/clips?clip={one.clip_id}&sound={one.id}"]
            for one in sounds
        }
    return found


def sound_words(stimulus: Stimulus) -> str:
    """ "delayed, +0.400 s, room"."""
    return f"{stimulus.condition}, {asked_for(stimulus.intervention)}"


def rows_json(house: House, set_id: str, wanted: Wanted) -> Json:
    """The rows that a filter lets through, `n` of them from place `at`: {total, at, rows}."""
    from thud.runs.pairs.sets import find_set, words

    held, said = find_set(house.store, set_id), words(house.store)
    lines = held.lines(
        type=wanted.type, split=wanted.split, check=wanted.check, condition=wanted.condition,
        held=wanted.held == "yes" if wanted.held else None,
    )  # fmt: skip
    numbers = [one.n for one in lines if not wanted.word or said.get(one.id, "none") == wanted.word]
    at = bisect_left(numbers, wanted.pair) if wanted.pair is not None else wanted.at
    at = max(0, min(at, len(numbers) - 1))
    shown = numbers[at : at + wanted.n]
    return {"total": len(numbers), "at": at, "rows": [_row(held, number, said) for number in shown]}


def _row(held: PairSet, number: int, said: Words) -> Json:
    one = held.index[number]
    return {
        "n": one.n, "id": one.id, "type": one.type, "split": one.split, "condition": one.condition,
        "label": one.label, "held": list(one.held), "findings": list(one.findings), "word": said.get(one.id, ""),
    }  # fmt: skip
