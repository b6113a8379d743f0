"""Whatever a vendor answers, it is read without a stumble; what it does not say is not made up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vendors.kit import VENDORS
from thud.providers import Provider
from thud.providers.asking import DOORS
from thud.providers.batch_doors import BATCH_DOORS

# fmt: off
NAMES = st.sampled_from([
    "content", "type", "text", "stop_reason", "stop_details", "usage", "input_tokens", "output_tokens", "model",
    "output", "refusal", "status", "error", "message", "incomplete_details", "reason", "choices", "finish_reason",
    "candidates", "parts", "finishReason", "promptFeedback", "blockReason", "usageMetadata", "promptTokensDetails",
    "modality", "tokenCount", "custom_id", "result", "response", "body", "status_code", "id", "data",
    "request_counts", "succeeded", "errors", "created_at", "metadata", "thud", "category",
])
WORDS = st.sampled_from([
    "text", "output_text", "refusal", "max_tokens", "incomplete", "length", "STOP", "SAFETY", "succeeded", "errored",
])
# fmt: on
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
JSON = st.recursive(LEAVES, lambda kids: st.lists(kids, max_size=3) | st.dictionaries(NAMES, kids, max_size=5))
OBJECT = st.dictionaries(NAMES, JSON, max_size=6)


@pytest.mark.parametrize("provider", VENDORS)
@given(raw=OBJECT)
def test_any_answer_can_be_read(provider: Provider, raw: dict[str, Any]) -> None:
    read = DOORS[provider].read(raw)
    assert isinstance(read.text, str) and isinstance(read.usage.input_tokens, int)
    assert (read.outcome == "ok") == (not read.problem)
    assert read.outcome != "ok" or read.text.strip()


@pytest.mark.parametrize("provider", BATCH_DOORS)
@given(rows=st.lists(OBJECT, max_size=3))
def test_any_result_of_a_batch_can_be_read(provider: str, rows: list[dict[str, Any]]) -> None:
    door = BATCH_DOORS[provider]
    for result in door.results(rows).values():
        assert (result.read or DOORS[provider].read(result.raw)).outcome
    for row in rows:
        door.progress(row)
        door.is_this(row, {"requests": 1, "at": 0.0, "digest": "d"})


@pytest.mark.parametrize("provider", VENDORS)
def test_an_answer_that_says_nothing_is_an_error_without_tokens(provider: Provider) -> None:
    read = DOORS[provider].read({})
    assert (read.outcome, read.text, read.usage.input_tokens) == ("error", "", 0)
    assert read.usage.audio_tokens is None
