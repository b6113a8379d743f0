"""Who can be asked to read responses: any model behind one of the vendors' doors, known by the hash of what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from thud.errors import BadRequest
from thud.evaluation.judge import Case, prompt_of, protocol_id
from thud.listeners.roster import ASKED, parse_listener
from thud.providers import Endpoint, Provider, Question, Text
from thud.records import content_id

FIELDS = ("model", "base_url", "key_env", "max_tokens", "temperature", "effort", "at_once", "per_minute")
DEFAULT_MODELS: Mapping[str, str] = {
    "anthropic": "claude-sonnet-5-5", "openai": "gpt-6.2-sol", "gemini": "gemini-3.8-flash", "compatible": "",
}  # fmt: skip
MAX_TOKENS = 4096
"""The answer takes a hundred; the rest is for models that think before they answer."""

FAMILIES = {
    "Claude": r"claude|anthropic", "GPT": r"gpt|chatgpt|\bo\d\b|openai", "Gemini": r"gemini|gemma|google",
    "Qwen": r"qwen", "MiMo": r"mimo", "Nemotron": r"nemotron|nvidia", "MiniCPM": r"minicpm", "Ming": r"\bming\b",
    "Llama": r"llama", "Mistral": r"mistral|mixtral", "DeepSeek": r"deepseek",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judge:
    """Reads responses. base_url, key_env, at_once, per_minute: see Endpoint. temperature: sent when set."""

    provider: Provider
    model: str
    base_url: str = ""
    key_env: str = ""
    max_tokens: int = MAX_TOKENS
    temperature: float | None = None
    effort: str = ""
    at_once: int = 4
    per_minute: int = 60

    @property
    def key(self) -> str:
        """The hash of all that determines its word: model, settings, the prompts, the answer's shape."""
        server = self.base_url if self.provider == "compatible" else ""
        settings = (self.max_tokens, self.temperature, self.effort)
        return content_id(self.provider, self.model, server, settings, protocol_id())

    @property
    def reader(self) -> str:
        """Its name in readings."""
        return f"judge:{self.key}"


def parse_judge(row: object) -> Judge:
    """The judge that a JSON object describes. BadRequest names the field that is wrong."""
    if not isinstance(row, Mapping):
        raise BadRequest("A judge is described by an object with provider and model.")
    provider = row.get("provider")
    if provider not in ASKED:
        raise BadRequest(f"provider is one of {', '.join(ASKED)}.")
    if unknown := sorted(str(key) for key in row.keys() - {"provider", *FIELDS}):
        raise BadRequest(f"A judge has no field {unknown[0][:40]!r}.")
    # Asked through the same doors as a listener, so the same rules hold for its address, its key and its pace.
    told = {name: row[name] for name in FIELDS if row.get(name) is not None}
    model = told.get("model") or DEFAULT_MODELS[provider]
    like = parse_listener(
        {"max_tokens": MAX_TOKENS, **told, "model": model, "name": "The judge", "backend": provider}
    )  # fmt: skip
    return Judge(provider, **{name: getattr(like, name) for name in FIELDS})


def to_json(judge: Judge) -> dict[str, Any]:
    """The judge as a JSON object that `parse_judge` reads back."""
    return asdict(judge)


def endpoint_of(judge: Judge) -> Endpoint:
    """Where its questions go."""
    return Endpoint(
        judge.provider, judge.base_url, judge.key_env, at_once=judge.at_once, per_minute=judge.per_minute
    )  # fmt: skip


def question_of(judge: Judge, case: Case) -> Question:
    """What it is asked about a case: words only."""
    prompt = prompt_of(case)
    return Question(
        judge.model, (Text(prompt.text),), prompt.system, prompt.schema, judge.max_tokens, judge.effort,
        judge.temperature,
    )  # fmt: skip


def family_of(*words: str) -> str:
    """The family of models that a name, a model or a vendor belongs to, "" when it is not known."""
    for word in words:
        for family, pattern in FAMILIES.items():
            if re.search(pattern, word.lower()):
                return family
    return ""
