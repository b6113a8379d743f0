"""Listen: asks one listener about items; before the first, whether it hears at all.

A reply is on the shelf before anybody reads it, so a run that was killed asks nothing twice when it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.listeners.asking import Ask, Heard, respond, respond_local
from thud.listeners.foreign import foreign_clip, foreign_media
from thud.listeners.media import Media, media_of
from thud.listeners.roster import Listener, endpoint_of, parse_listener
from thud.providers import Question
from thud.records import Item, Reply, clip_from_json, item_from_json
from thud.runs.asking import asker
from thud.runs.listening import responses
from thud.runs.listening.gate import check_hearing, check_model

if TYPE_CHECKING:
    from thud.store import Store

kind = "listen"
LIMIT_S = 3600.0


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """Asks about the items of one line of the plan; whatever is answered is a result.

    Raises CannotGoOn for a bad key, a listener that does not hear, and a server that becomes another model.
    """
    listener = parse_listener(item["listener"])
    folder = workspace / "runs" / item["run"]
    ask = _ask(listener, item, workspace)
    heard_at_all = check_hearing(listener, item["canary"], folder, ask)
    items = [item_from_json(row) for row in item["asks"]]
    media = _foreign(item["files"], workspace) if "files" in item else _media(item, items, workspace)
    heard = _heard(listener, items, media, ask)
    check_model([reply for one in heard for reply in one.replies], folder)
    key, run_id = item["listener_key"], item["run"]
    made = [
        (responses.response_to(one, said, files.clip, listener.name, key, run_id), said)
        for one, said, files in zip(items, heard, media, strict=True)
    ]
    titles = {files.clip.id: files.clip.title for files in media}
    return {**responses.result(titles, made), "canary": heard_at_all}


def _media(item: dict[str, Any], items: list[Item], workspace: Path) -> list[Media]:
    clips = {row["sha256"][:16]: clip_from_json(row) for row in item["clips"]}
    return [media_of(one, clips[one.clip_id], workspace, clips.get(one.partner)) for one in items]


def _foreign(files: list[dict[str, str]], workspace: Path) -> list[Media]:
    """Of a benchmark's videos, which are no clips of the workspace; statistics cluster by what the set says."""
    clips = [replace(foreign_clip(row["video"]), source=row["source"]) for row in files]
    return [foreign_media(clip, row["sound"], workspace) for clip, row in zip(clips, files, strict=True)]


def _heard(listener: Listener, items: list[Item], media: list[Media], ask: Ask) -> list[Heard]:
    if listener.backend == "local":
        return respond_local(listener, items, media)
    return [respond(listener, one, files, ask) for one, files in zip(items, media, strict=True)]


def _ask(listener: Listener, item: dict[str, Any], workspace: Path) -> Ask:
    return asker(endpoint_of(listener), item, workspace) if listener.asks else nobody


def nobody(question: Question) -> Reply:
    """For a listener that answers on this machine."""
    raise BadRequest("Nobody is asked by a listener that answers on this machine.")


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Takes what was said into the store, and how the listener fared in the canary; again changes nothing."""
    responses.take_in(store, item, result)
    if result["canary"] is not None:
        store.define("canary", f"{item['listener_key']}.{item['arm']}", result["canary"], item.get("by", "thud"))


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """How many items got an answer, and what became of the others."""
    return responses.tally_words(tally)
