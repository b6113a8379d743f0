"""What is known of a run before it starts, as lines for the page: what stops it first, what is fine last. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
LEVELS: Mapping[str, str] = {"blocked": "bad", "degraded": "warn", "note": "info"}
ORDER = ("bad", "warn", "info", "ok")
TITLES: Mapping[str, str] = {
    "config": "Settings", "base": "Model", "data": "Pairs", "lint": "Lint", "memory": "Memory", "disk": "Disk",
    "gpus": "Device", "precision": "Precision", "threads": "Threads", "gain": "What it starts from",
    "four_bit": "Four bits", "tokens": "Tokens",
}  # fmt: skip


def facts_of(check: Json, able: Json, about: Json) -> list[Json]:
    """Lines {level, title, words, fix, waive, waived}.

    check: the checker's answer. able: the machine, {} where it trains on another. about: {pairs: of each split,
    exports: whether they still have to be, waived: names, blocked: what stops it beside the checker's reasons, "" if
    nothing}.
    """
    found = [_reason(one) for one in check.get("reasons", ())]
    if about["blocked"] and not any(one["level"] == "bad" for one in found):
        found.append(_line("bad", "Cannot start", about["blocked"]))
    found += [{**_line("info", "Accepted", _words(name)), "waive": name, "waived": True} for name in about["waived"]]
    told = {one.get("about") for one in check.get("reasons", ()) if one.get("level") != "note"}
    found += [line for topic, line in _fine(check, able, about) if topic not in told]
    return sorted(found, key=lambda one: ORDER.index(one["level"]))


def stopping(sentence: str) -> Json:
    """The line of a sentence that stops everything."""
    return _line("bad", "Not ready yet", sentence)


def _reason(one: Json) -> Json:
    about = str(one.get("about", ""))
    level = LEVELS.get(str(one.get("level")), "info")
    return _line(level, TITLES.get(about, about), str(one.get("reason", "")), str(one.get("fix", "")), one.get("waive"))


def _line(level: str, title: str, words: str, fix: str = "", waive: str | None = "") -> Json:
    return {"level": level, "title": title, "words": words, "fix": fix, "waive": waive or "", "waived": False}


def _words(name: str) -> str:
    return name.replace("_", " ")


def _fine(check: Json, able: Json, about: Json) -> Sequence[tuple[str, Json]]:
    """(what it is about, its line) of everything that was looked at; the caller leaves out what was found wrong."""
    return [pair for pair in (_pairs(about), _tokens(check), _memory(check, able), _disk(able), _device(able)) if pair]


def _pairs(about: Json) -> tuple[str, Json] | None:
    splits: Mapping[str, int] = about["pairs"]
    if not sum(splits.values()):
        return None
    said = ", ".join(f"{count} {name or 'unsplit'}" for name, count in splits.items() if count)
    more = "exported first" if about["exports"] else "files as they were exported"
    return "data", _line("ok", "Pairs", f"{said}; {more}")


def _tokens(check: Json) -> tuple[str, Json] | None:
    longest, most = check.get("longest"), (check.get("config") or {}).get("max_tokens", 0)
    if not longest:
        return None
    room = f" of {most}" if most else ""
    return "data", _line("ok", "Prompt and media fit", f"longest {longest['all']}{room} tokens, nothing cut")


def _memory(check: Json, able: Json) -> tuple[str, Json] | None:
    needs = check.get("memory")
    if not needs:
        return None
    gpus = able.get("gpus") or []
    free = min((gpu["free_gb"] for gpu in gpus), default=able.get("ram_free_gb"))
    of = "" if free is None else f" of {free:.0f} GB free"
    return "memory", _line("ok", "Memory", f"about {needs['total']:.1f}{of}")


def _disk(able: Json) -> tuple[str, Json] | None:
    free = able.get("disk_free_gb")
    return None if free is None else ("disk", _line("ok", "Room for checkpoints", f"{free:.0f} GB free"))


def _device(able: Json) -> tuple[str, Json] | None:
    if not able:
        return None
    gpus, cores = able.get("gpus") or [], able.get("cores", 1)
    words = ", ".join(gpu["name"] for gpu in gpus) or f"the processor, {cores} {'core' if cores == 1 else 'cores'}"
    return "gpus", _line("ok", "Device", words)
