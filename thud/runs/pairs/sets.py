"""Pair sets of a workspace: gather what they are made from, build, fix, freeze, and say which pairs went stale."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound
from thud.pairs.material import material_json
from thud.pairs.pair_set import PairSet, is_set, open_set
from thud.pairs.recipe import Recipe, parse_recipe, recipe_json, shipped
from thud.records import Run, content_id
from thud.runs.follow import now
from thud.runs.jobs import pairs as job
from thud.runs.pairs.gather import Gathered, gather_all, settled_times
from thud.runs.pairs.media import MediaCheck
from thud.stimuli.held_out import is_held_out

if TYPE_CHECKING:
    from pathlib import Path

    from thud.runs.run import Runs
    from thud.store import Store

SET, WORD, RECIPE, HELD_OUT = job.DEFINITION, "pair_word", "recipe", "held_out"
"""Kinds of definitions. pair_set: id → title, recipe, stage, pairs, held, made_at, origin, parent."""
DEMO_HELD_OUT = "demo, held out"
WORDS = ("approved", "dropped")
FIXES: Mapping[str, str] = {
    "shuffle_letters": "letters shuffled",
    "drop": "findings dropped",
    "rebalance": "rebalanced",
}
MOST_KEPT = 20
"""Gathered material that is kept for runs that are resumed: the newest so many."""
Json = dict[str, Any]


def start_build(store: Store, runs: Runs, recipe: Recipe, actor: str) -> Run:
    """The run that builds a set; one that is there is found, not built twice. BadRequest for an empty recipe."""
    line = plan_build(store, recipe, actor)
    title, settings = f"Build pairs: {recipe.title}", {"recipe": recipe_json(recipe)}
    return runs.start(job.kind, title, settings, [line], actor, workers=1, limit_s=job.LIMIT_S)


def plan_build(store: Store, recipe: Recipe, actor: str) -> Json:
    """The one line of a build's plan, with what it needs written down in the workspace's cache."""
    if recipe.stage == "none":
        raise BadRequest(f"“{recipe.title}” trains nothing, so there are no pairs to build.")
    if not recipe.total:
        raise BadRequest("This recipe asks for no pairs. Give at least one type a count.")
    material = _keep(store, gather_all(store), recipe)
    return {
        "key": content_id(material, recipe_json(recipe)), "subject": recipe.title, "do": "build",
        "recipe": recipe_json(recipe), "title": recipe.title, "by": actor, "made_at": now(), "material": material,
    }  # fmt: skip


def start_fix(store: Store, runs: Runs, set_id: str, fix: str, check: str, actor: str, seed: int = 17) -> Run:
    """The run that makes a new set of one; the parent stays. fix: shuffle_letters, drop, rebalance.

    check: whose rows are dropped.
    """
    line = plan_fix(store, set_id, fix, check, actor, seed)
    settings = {"set": line["set"], "fix": fix, "check": check}
    title = f"Fix pairs: {line['title']}"
    return runs.start(job.kind, title, settings, [line], actor, workers=1, limit_s=job.LIMIT_S)


def plan_fix(store: Store, set_id: str, fix: str, check: str, actor: str, seed: int = 17) -> Json:
    """The one line of a fix's plan. BadRequest for a fix that is none, or a check that found nothing."""
    if fix not in FIXES:
        raise BadRequest(f"A fix is one of {', '.join(FIXES)}.")
    found = find_set(store, set_id)
    checks = [one["check"] for one in (found.summary["lint"] or {"checks": []})["checks"] if one["count"]]
    if fix == "drop" and check not in checks:
        known = ", ".join(checks) or "none has findings"
        raise BadRequest(f"Say which check's rows are dropped: {known}.")
    title = f"{found.summary['title']}, {FIXES[fix]}"
    return {
        "key": content_id(found.id, fix, check, seed), "subject": found.summary["title"], "do": "fix", "set": found.id,
        "fix": fix, "check": check if fix == "drop" else "", "seed": seed, "title": title, "by": actor,
        "made_at": now(),
    }  # fmt: skip


def pair_sets(store: Store) -> dict[str, Json]:
    """Set id → title, recipe, stage, pairs, held, made_at, origin, parent; the newest first."""
    known = store.definitions(SET)
    there = {key: body for key, body in known.items() if is_set(store.workspace, key)}
    return dict(sorted(there.items(), key=lambda pair: pair[1]["made_at"], reverse=True))


def find_set(store: Store, set_id: str) -> PairSet:
    """The set of that id, or of an unmistakable beginning of it. NotFound; BadRequest when several begin so."""
    known = pair_sets(store)
    found = [set_id] if set_id in known else [key for key in known if set_id and key.startswith(set_id)]
    if len(found) > 1:
        raise BadRequest(f"“{set_id[:40]}” fits {len(found)} pair sets: {', '.join(found[:5])}. Give more of it.")
    if not found:
        there = ", ".join(list(known)[:5]) or "none was built or imported yet"
        raise NotFound(f"There is no pair set “{set_id[:40]}”: {there}.")
    return open_set(store.workspace, found[0])


def stale(store: Store, summary: Json) -> list[str]:
    """Clip ids whose event times changed after the set was made, are no longer settled, or that are gone."""
    clips = {clip.id: clip for clip in store.clips()}
    times, _ = settled_times(store, clips)
    basis: Mapping[str, str] = summary.get("basis") or {}
    return [
        key for key, told in basis.items() if key not in clips or (told and job.fingerprint(times.get(key)) != told)
    ]


def media_problems(store: Store, pair_set: PairSet) -> dict[str, str]:
    """Path → sentence, for each file that is gone, was moved or was changed. What stays as it is is hashed once."""
    check = MediaCheck(store.workspace)
    try:
        said = {path: check.problem(path, sha) for path, sha in pair_set.media().items()}
    finally:
        check.close()
    return {path: words for path, words in said.items() if words}


def freeze(store: Store, set_id: str, name: str, actor: str) -> list[str]:
    """The clip ids that stay test clips from now on, in every set: those of this set's test split."""
    found = find_set(store, set_id)
    clips = sorted(key for key, split in found.summary["split_of"].items() if split == "test")
    if not name.strip() or len(name) > 60:
        raise BadRequest("A held-out set has a name of 1 to 60 letters.")
    if not clips:
        raise BadRequest("This set keeps no clips for testing, so there is nothing to freeze.")
    if name in held_out(store):
        raise BadRequest(f"A held-out set “{name}” is frozen already. Choose another name.")
    store.define(HELD_OUT, name, {"clips": clips, "set": found.id, "at": now()}, actor)
    return clips


def hold_out_demo(store: Store, actor: str) -> list[str]:
    """The ids of the demo's clips that were made for testing, frozen as test clips: a recipe that keeps a share for
    testing has pairs of them in its test file, and none to train or validate on. Again it changes nothing.
    """
    clips = sorted(clip.id for clip in store.clips() if is_held_out(clip))
    if clips and held_out(store).get(DEMO_HELD_OUT, {}).get("clips") != clips:
        store.define(HELD_OUT, DEMO_HELD_OUT, {"clips": clips, "set": "", "at": now()}, actor)
    return clips


def held_out(store: Store) -> dict[str, Json]:
    """Name → {"clips": ids, "set" ("" = of none), "at"} of what was frozen."""
    return store.definitions(HELD_OUT)


def say(store: Store, pair_id: str, word: str, actor: str) -> None:
    """Approves or drops a pair, by its id, in whichever set it stands; "" takes the word back."""
    if word not in ("", *WORDS):
        raise BadRequest(f"A pair is {' or '.join(WORDS)}; an empty word takes it back.")
    store.define(WORD, pair_id, {"word": word, "by": actor} if word else None, actor)


def words(store: Store) -> dict[str, str]:
    """Pair id → approved or dropped."""
    return {key: body["word"] for key, body in store.definitions(WORD).items()}


def save_recipe(store: Store, recipe: Recipe, actor: str) -> None:
    """Keeps a recipe under its name. BadRequest when a shipped one is called so."""
    if recipe.name in shipped():
        raise BadRequest(f"“{recipe.name}” comes with thud and stays as it is. Save yours under another name.")
    store.define(RECIPE, recipe.name, recipe_json(recipe), actor)


def remove_recipe(store: Store, name: str, actor: str) -> None:
    """Takes one's own recipe away. NotFound."""
    if name not in store.definitions(RECIPE):
        raise NotFound(f"There is no recipe of your own called “{name[:60]}”.")
    store.define(RECIPE, name, None, actor)


def all_recipes(store: Store) -> Mapping[str, Recipe]:
    """The shipped recipes and one's own, by name."""
    return {**shipped(), **{name: parse_recipe(row) for name, row in store.definitions(RECIPE).items()}}


def _keep(store: Store, gathered: Gathered, recipe: Recipe) -> str:
    """Writes down what the worker needs; gives its path in the workspace."""
    material = material_json(gathered.material)
    row = {
        "of": content_id(material, gathered.unsettled),
        "material": material,
        "unsettled": gathered.unsettled,
        "sounds": gathered.sounds,
        "held_out": sorted({clip for body in held_out(store).values() for clip in body["clips"]}),
        "before": store.definitions(job.SPLITS_KIND).get(job.splits_key(recipe), {}),
        "dropped": sorted(key for key, word in words(store).items() if word == "dropped"),
    }
    folder = store.workspace / "cache" / "pairs"
    path = folder / f"{content_id(row)}.json"
    _write(path, json.dumps(row, ensure_ascii=False))
    for old in sorted(folder.glob("*.json"), key=lambda one: one.stat().st_mtime_ns)[:-MOST_KEPT]:
        old.unlink(missing_ok=True)
    return str(path.relative_to(store.workspace))


def _write(path: Path, text: str) -> None:
    from thud.runs.folder import translated

    aside = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise translated(error) from error
