"""Gathers what is handed over to other tools: items as a listener would be asked them, with the files they show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from thud.errors import BadRequest, RefusedClip, RefusedEdit
from thud.evaluation.handover import ExportItem
from thud.listeners.items import Plan, plan_items
from thud.listeners.media import media_of
from thud.listeners.questions import QuestionSet
from thud.listeners.roster import Listener
from thud.listeners.stills import stills
from thud.records import TASKS, Clip, Item, Refusal

if TYPE_CHECKING:
    from thud.store import Store

ANYBODY = Listener("anybody", "gemini")
"""Sees and hears: what can be asked of it is what can be handed over. It is never reached."""

Frames = tuple[tuple[float, Path], ...]


def plan_handover(
    store: Store,
    workspace: Path,
    question_set: QuestionSet,
    tasks: Sequence[str] = TASKS,
    clips: Collection[str] | None = None,
    conditions: Collection[str] | None = None,
) -> Plan:
    """The items that can be handed over. clips: ids; None = all, as with conditions.

    Raises BadRequest when a file is gone or was changed: half a set is no set.
    """
    stimuli = [
        stimulus
        for stimulus in store.stimuli()
        if (clips is None or stimulus.clip_id in clips) and (conditions is None or stimulus.condition in conditions)
    ]
    known = {clip.id: clip for clip in store.clips()}
    plan = plan_items(
        stimuli, known, store.times(), question_set, tasks, "audio_video", workspace=workspace, listener=ANYBODY
    )
    if plan.missing:
        first = plan.missing[0]
        raise BadRequest(f"{len(plan.missing)} stimuli lack a file; the first, {first.subject}: {first.reason}")
    return plan


def export_items(
    plan: Plan,
    clips: Sequence[Clip],
    question_set: QuestionSet,
    workspace: Path,
    folder: Path,
    stills_per_s: float = 2.0,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[list[ExportItem], list[Refusal]]:
    """(items with their media, those whose media cannot be made). folder: where stills are put; it may go later."""
    known, frames = {clip.id: clip for clip in clips}, dict[str, Frames]()
    good, refused = [], []
    for done, item in enumerate(plan.items, 1):
        clip = known[item.clip_id]
        try:
            if clip.id not in frames:
                frames[clip.id] = _frames(clip, folder, stills_per_s)
            good.append(_item(item, clip, question_set.style, workspace, frames[clip.id]))
        except (RefusedClip, RefusedEdit) as error:
            refused.append(Refusal(f"{clip.title or clip.id}, {item.condition}", str(error)))
        progress(done)
    return good, refused


def _item(item: Item, clip: Clip, style: str, workspace: Path, frames: Frames) -> ExportItem:
    media = media_of(item, clip, workspace)
    return ExportItem(
        id=item.id,
        text=item.text,
        task=item.task,
        condition=item.condition,
        expected=item.expected,
        source=clip.source or clip.id,
        clip=clip.id,
        arm=item.arm,
        style=style,
        options=item.options,
        offset_s=item.offset_s,
        video=media.film(media.sound is not None),
        picture=media.film(False),
        sound=media.sound,
        frames=frames,
    )


def _frames(clip: Clip, folder: Path, per_s: float) -> Frames:
    """Stills of a clip, written once; its picture is the same in all conditions. None where none are wanted."""
    if per_s <= 0:
        return ()
    found = []
    for number, (at_s, jpeg) in enumerate(stills(replace(ANYBODY, fps=per_s), clip)):
        path = folder / f"{clip.id}-{number}.jpg"
        path.write_bytes(jpeg)
        found.append((at_s, path))
    return tuple(found)
