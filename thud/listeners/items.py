"""What to ask: stimuli × the questions of a set, each with the label that would be right, or the reason why not.

Planning reads every file that will be shown and compares it with its proof, so that what is missing is known before
anything is asked. It does not know how a listener is reached.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from thud.disk import file_sha256
from thud.errors import BadRequest
from thud.evaluation.scoring import EXPECTED, expected_label
from thud.listeners.questions import QuestionSet, SetQuestion, shuffled
from thud.listeners.roster import Listener
from thud.records import TASKS, Clip, EventTimes, Item, Refusal, Stimulus, content_id, stimulus_folder
from thud.stimuli.donors import differs
from thud.stimuli.held_out import is_held_out
from thud.stimuli.interventions import event_survives

SIMILAR = 0.2
"""A partner's picture may be this share longer or shorter than the clip's own."""

NO_SOUND = "none"
"""Stands for the hash of the sound where the stimulus has none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask. missing: files that are gone or were changed; while there are any, nothing should be asked.

    refusals: what was asked for and cannot be asked, missing files among them, one sentence each.
    """

    items: tuple[Item, ...]
    refusals: tuple[Refusal, ...]
    missing: tuple[Refusal, ...] = ()


def plan_items(
    stimuli: Iterable[Stimulus],
    clips: Mapping[str, Clip],
    times: Mapping[str, EventTimes],
    question_set: QuestionSet,
    tasks: Sequence[str],
    arm: str,
    *,
    workspace: Path,
    listener: Listener,
    seed: int = 0,
) -> Plan:
    """The items of these stimuli in one arm, in an order drawn by `seed`.

    clips, times: by clip id; clips may hold more than are asked about, and partners are drawn from all of them.
    BadRequest when this listener cannot be asked in this arm at all, or about none of these tasks.
    """
    _check(listener, tasks, arm)
    items: list[Item] = []
    missing: list[Refusal] = []
    refusals = [Refusal(task, why) for task in tasks if (why := _cannot(task, question_set, arm, listener))]
    left = [task for task in TASKS if task in tasks and task not in {refusal.subject for refusal in refusals}]
    files, partners = _Files(workspace), dict[str, Clip | None]()
    for stimulus in sorted(stimuli, key=lambda one: one.id):
        asked = [task for task in left if expected_label(task, stimulus.condition)]
        if not asked:
            continue
        clip = clips.get(stimulus.clip_id)
        if clip is None:
            missing.append(Refusal(stimulus.clip_id, "This clip is no longer in the workspace; add it again."))
            continue
        if why := _unfit(stimulus, clip, times.get(clip.id), arm):
            refusals.append(Refusal(_named(clip, stimulus), why))
            continue
        if arm == "shuffled_picture" and clip.id not in partners:
            partners[clip.id] = _partner(clip, clips.values(), seed)
        partner = partners.get(clip.id)
        if arm == "shuffled_picture" and partner is None:
            refusals.append(Refusal(_named(clip, stimulus), "There is no other clip whose picture could be shown."))
            continue
        if why := files.missing(stimulus, partner or clip, arm):
            missing.append(Refusal(_named(clip, stimulus), why))
            continue
        shown = _Shown(stimulus, clip, arm, partner.id if partner else "", question_set.id)
        items += [shown.item(question) for task in asked for question in question_set.about(task)]
    items.sort(key=lambda item: content_id(seed, item.id))
    return Plan(tuple(items), (*refusals, *missing), tuple(missing))


@dataclass(frozen=True, slots=True)
class _Shown:
    """One stimulus in one arm, ready for each question of a set."""

    stimulus: Stimulus
    clip: Clip
    arm: str
    partner: str
    question_set: str

    def item(self, question: SetQuestion) -> Item:
        text, options, seed = shuffled(question, (self.question_set, self.stimulus.id))
        edit = self.stimulus.intervention
        return Item(
            stimulus_id=self.stimulus.id,
            clip_id=self.clip.id,
            condition=self.stimulus.condition,
            offset_s=edit.offset_s if edit.kind == "shift" else None,
            task=question.task,
            question_set=self.question_set,
            question_id=question.id,
            text=text,
            arm=self.arm,
            expected=EXPECTED[question.task, self.stimulus.condition],
            options=options,
            seed=seed,
            partner=self.partner,
            stimulus_hash=self.stimulus.proof.models_sha256 or NO_SOUND,
        )


def _check(listener: Listener, tasks: Collection[str], arm: str) -> None:
    if arm not in listener.allowed_arms:
        allowed = ", ".join(listener.allowed_arms)
        raise BadRequest(f"{listener.label} cannot be asked in the arm {arm}; it can in {allowed}.")
    if unknown := sorted(set(tasks) - set(TASKS)):
        raise BadRequest(f"There is no task {unknown[0][:40]!r}; there are {', '.join(TASKS)}.")
    if not tasks:
        raise BadRequest(f"Say what to ask about: {', '.join(TASKS)}.")


def _cannot(task: str, question_set: QuestionSet, arm: str, listener: Listener) -> str:
    """Why nothing is asked about this task at all, "" when something is."""
    if not question_set.about(task):
        return f"The set “{question_set.name}” asks nothing about {task}."
    if task not in listener.allowed_tasks:
        return f"{listener.name} cannot be asked about {task}; it can about {', '.join(listener.allowed_tasks)}."
    if task == "consistency" and arm == "shuffled_picture":
        return "Under another clip's picture no sound matches, so there is nothing to tell apart."
    return ""


def _unfit(stimulus: Stimulus, clip: Clip, times: EventTimes | None, arm: str) -> str:
    """Why this stimulus is not asked about, "" when it is."""
    if stimulus.proof.verdict != "verified":
        return f"Its proof failed ({'; '.join(stimulus.proof.reasons) or 'no reason given'}); build it again."
    survives = event_survives(stimulus.intervention, times, clip.probe.duration_s)
    if survives is False or (survives is None and stimulus.event_survives is False):
        return "The shift pushes the event out of the clip, so no answer would be right."
    if arm == "sound_only" and not stimulus.models:
        return "It has no sound track, so without the picture there is nothing to show."
    return ""


def _partner(clip: Clip, clips: Iterable[Clip], seed: int) -> Clip | None:
    """Whose picture is shown instead: of another sound class and of similar length where there is one.

    The lowest hash among those, so adding clips rarely changes a choice, and no answer is asked for anew. A clip for
    testing is shown with the picture of another such clip, the others with none of those.
    """

    def rank(other: Clip) -> tuple[bool, float, str]:
        apart = abs(other.probe.duration_s / clip.probe.duration_s - 1)
        return not differs(clip, other), max(0.0, round(apart - SIMILAR, 2)), content_id(seed, clip.id, other.id)

    pool = (other for other in clips if other.id != clip.id and is_held_out(other) is is_held_out(clip))
    return min(pool, key=rank, default=None)


@dataclass(frozen=True, slots=True)
class _Files:
    workspace: Path

    def missing(self, stimulus: Stimulus, picture: Clip, arm: str) -> str:
        """Which file is gone or is not what the proof says, "" when all are as they were."""
        if arm != "sound_only" and (why := picture_missing(picture)):
            return why
        return "" if arm == "picture_only" else sound_missing(stimulus, self.workspace)


def picture_missing(clip: Clip) -> str:
    """Why the clip's file cannot be shown, "" when it can. Its size is compared, its bytes are not read."""
    path = Path(clip.path)
    if not path.is_file():
        return f"{path.name} is not where it was; put it back, or add it again."
    if clip.probe.size_bytes and path.stat().st_size != clip.probe.size_bytes:
        return f"{path.name} is not the file that was added; put the right one back."
    return ""


def sound_missing(stimulus: Stimulus, workspace: Path) -> str:
    """Why the stimulus's sound for models cannot be played, "" when it can, or when it has none by intention."""
    if not stimulus.models:
        return ""
    path = stimulus_folder(workspace, stimulus.clip_id) / stimulus.models
    if not path.is_file():
        return f"Its sound {path.name} is gone; build it again."
    if file_sha256(path) != stimulus.proof.models_sha256:
        return f"Its sound {path.name} is not what was proven; build it again."
    return ""


def _named(clip: Clip, stimulus: Stimulus) -> str:
    offset = f" {stimulus.intervention.offset_s:+.3f} s" if stimulus.intervention.kind == "shift" else ""
    return f"{clip.title or clip.id}, {stimulus.condition}{offset}"
