"""One door to each vendor: what is sent, what is read, and what is kept, against servers on loopback."""

from __future__ import annotations

import hashlib
import json
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_house import modules_after
from tests.vendors import anthropic_server, chat_server, openai_server
from tests.vendors.gemini_server import look
from tests.vendors.kit import JPEG, KEY, SCHEMA, VENDORS, Naps, give_keys, question, vendor
from thud.errors import BadRequest, MissingPart, NotFound
from thud.providers import Audio, Endpoint, Image, Provider, Question, Shelf, Text, Video, ask, check_key

ANSWER = '{"event_s": 1.25}'


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    give_keys(monkeypatch)


@pytest.fixture
def clip(tmp_path: Path) -> Video:
    path = tmp_path / "schlägt zu – 打.mp4"
    path.write_bytes(b"a clip")
    return Video(str(path), hashlib.sha256(b"a clip").hexdigest(), fps=8.0, start_s=0.5, end_s=2.5)


def sent(provider: Provider, asked: Question, **named: Any) -> dict[str, Any]:
    """The JSON that reaches the vendor."""
    with vendor(provider, answer=lambda _: ANSWER, **named) as (server, endpoint):
        assert ask(asked, endpoint).outcome == "ok"
        body: dict[str, Any] = server.questions[0].json
        return body


@pytest.mark.parametrize("provider", VENDORS)
def test_an_answer_comes_back_whole(provider: Provider) -> None:
    with vendor(provider, answer=lambda _: ANSWER) as (server, endpoint):
        asked = question(provider, schema=SCHEMA)
        reply = ask(asked, endpoint)
    assert (reply.outcome, reply.text, reply.problem, reply.attempts) == ("ok", ANSWER, "", 1)
    assert (reply.provider, reply.model, reply.model_echo) == (provider, asked.model, asked.model)
    assert reply.request_id
    assert reply.sent_sha256 == asked.sent_sha256(provider)
    assert reply.usage.input_tokens > 50 and reply.usage.output_tokens > 0
    assert reply.latency_s > 0
    assert "usage" in reply.raw or "usageMetadata" in reply.raw
    assert sum(server.billed.values()) == 1


@pytest.mark.parametrize("provider", VENDORS)
def test_refusal_truncation_empty_and_garbage_are_outcomes(provider: Provider) -> None:
    kinds = {"refusal": "refused", "truncated": "truncated", "empty": "error", "garbage": "error", "list": "error"}
    with vendor(provider, faults=kinds, answer=lambda _: ANSWER) as (server, endpoint):
        replies = [ask(question(provider), endpoint) for _ in kinds]
    assert [reply.outcome for reply in replies] == list(kinds.values())
    assert all(reply.problem for reply in replies)
    assert replies[1].text == ANSWER[: len(ANSWER) // 2]
    assert [reply.raw for reply in replies[3:]] == [{"body": "<html>busy"}, {"body": '[{"body": 1}]'}]
    assert len(server.questions) == 5


def test_claude_gets_numbered_pictures_that_may_not_be_shrunk() -> None:
    body = sent("anthropic", question("anthropic", schema=SCHEMA, effort="low", cache=True))
    pictures = anthropic_server.pictures(body)
    assert [picture["transformations"] for picture in pictures] == [{"oversized_image": "error"}] * 2
    assert [b64decode(picture["source"]["data"]) for picture in pictures] == [JPEG, JPEG + b"2"]
    assert [block["type"] for block in body["messages"][0]["content"]] == ["text", "image", "text", "image", "text"]
    assert "cache_control" not in pictures[0] and pictures[1]["cache_control"] == {"type": "ephemeral"}
    assert body["output_config"]["effort"] == "low"
    assert body["output_config"]["format"]["schema"]["required"] == ["event_s"]
    assert body["system"] == "You time events."


def test_gpt_gets_pictures_in_full_detail_and_a_strict_schema() -> None:
    body = sent("openai", question("openai", schema=SCHEMA, effort="high", temperature=0.0))
    pictures = openai_server.pictures(body)
    assert [picture["detail"] for picture in pictures] == ["high", "high"]
    assert pictures[0]["image_url"].startswith("data:image/jpeg;base64,")
    assert body["text"]["format"] == {"type": "json_schema", "name": "answer", "strict": True, "schema": SCHEMA}
    assert (body["reasoning"], body["temperature"], body["store"]) == ({"effort": "high"}, 0.0, False)
    assert body["max_output_tokens"] == 1024


def test_what_was_sent_before_keeps_its_hash() -> None:
    """Replies lie on the shelf under it: a new setting must not make paid replies unfindable."""
    asked = Question("m", (Text("a"), Image(b"j"), Audio("p", "s"), Video("p", "s", fps=2.0)), seed=1)
    known = "b8c0ec5c8a16c75f65d4ffeb717093254ac7dcf93ac3ff00e7961eb3ba39492d"
    assert asked.sent_sha256("compatible") == known
    assert len({replace(asked, wire=wire).sent_sha256("compatible") for wire in ("", "audio_url", "sglang")}) == 3


def test_a_compatible_server_gets_media_the_way_it_wants_them(clip: Video) -> None:
    whole, sound = replace(clip, start_s=None, end_s=None), Audio(clip.path, clip.sha256)
    parts = (whole, sound, Image(JPEG), Text("When?"), Text("Say it."))
    by_address = chat_server.parts(sent("compatible", question("compatible", parts=parts, wire="audio_url")))
    assert [part["type"] for part in by_address] == ["video_url", "audio_url", "image_url", "text", "text"]
    assert b64decode(by_address[1]["audio_url"]["url"].partition("data:audio/wav;base64,")[2]) == b"a clip"
    beside = sent("compatible", question("compatible", parts=parts, wire="sglang"))
    assert beside["messages"][-1] == {"role": "user", "content": "When?\nSay it."}
    assert [len(beside[name]) for name in ("videos", "audios", "images")] == [1, 1, 1]
    assert b64decode(beside["videos"][0].partition("data:video/mp4;base64,")[2]) == b"a clip"
    assert beside["mm_processor_kwargs"] == {"fps": 8.0}


def test_a_compatible_server_gets_sound_and_video(clip: Video) -> None:
    whole = replace(clip, start_s=None, end_s=None)
    sound = Audio(clip.path, clip.sha256)
    parts = (whole, sound, Image(JPEG), Text("When?"))
    body = sent("compatible", question("compatible", parts=parts, schema=SCHEMA, seed=7))
    found = chat_server.parts(body)
    assert [part["type"] for part in found] == ["video_url", "input_audio", "image_url", "text"]
    assert b64decode(found[0]["video_url"]["url"].partition("base64,")[2]) == b"a clip"
    assert (b64decode(found[1]["input_audio"]["data"]), found[1]["input_audio"]["format"]) == (b"a clip", "wav")
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert (body["seed"], body["mm_processor_kwargs"]) == (7, {"fps": 8.0})


def test_gemini_sees_and_hears_the_window_asked_for(clip: Video) -> None:
    asked = question("gemini", parts=(clip, Text("When?")), schema=SCHEMA, effort="low", seed=3, temperature=0.5)
    with vendor("gemini", answer=lambda _: ANSWER) as (server, endpoint):
        reply = ask(asked, endpoint, sleep=Naps())
        body = server.questions[0].json
        assert server.media(body) == [b"a clip"]
    part = body["contents"][0]["parts"][0]
    seen = look(part, "video_metadata")
    assert look(part, "media_processing") == "STATIC"
    assert (look(seen, "start_offset"), look(seen, "end_offset"), seen["fps"]) == ("0.500s", "2.500s", 8.0)
    assert look(seen, "content_layers") == ["FRAMES", "AUDIO"]
    settings = body["generationConfig"]
    assert settings["responseJsonSchema"] == SCHEMA
    assert (settings["seed"], settings["temperature"], settings["maxOutputTokens"]) == (3, 0.5, 1024)
    usage = reply.usage
    assert (usage.video_tokens, usage.audio_tokens, usage.text_tokens, usage.image_tokens) == (8 * 2 * 70, 64, 20, 0)
    assert usage.thought_tokens == 3 and usage.output_tokens > 3
    assert reply.text == ANSWER


def test_sound_that_gemini_did_not_read_shows(clip: Video) -> None:
    asked = question("gemini", parts=(replace(clip, layers=("frames",)), Text("When?")))
    with vendor("gemini") as (server, endpoint):
        quiet = ask(asked, endpoint, sleep=Naps())
        server.hears = False
        deaf = ask(question("gemini", parts=(clip, Text("When?"))), endpoint, sleep=Naps())
    assert (quiet.usage.audio_tokens, deaf.usage.audio_tokens) == (0, 0)
    assert quiet.usage.video_tokens


def test_gemini_keeps_a_clip_for_the_next_question(clip: Video, tmp_path: Path) -> None:
    asked = [question("gemini", parts=(clip, Text(text))) for text in ("When?", "What?")]
    with vendor("gemini") as (server, endpoint):
        for one in asked:
            assert ask(one, endpoint, shelf=Shelf(tmp_path / "shelf"), sleep=Naps()).outcome == "ok"
        assert (server.uploads, len(server.questions)) == (1, 2)


def test_a_clip_that_gemini_has_lost_is_uploaded_again(clip: Video, tmp_path: Path) -> None:
    shelf, (first, second) = Shelf(tmp_path / "shelf"), ("When?", "What?")
    with vendor("gemini") as (server, endpoint):
        ask(question("gemini", parts=(clip, Text(first))), endpoint, shelf=shelf, sleep=Naps())
        server.lose_files()
        reply = ask(question("gemini", parts=(clip, Text(second))), endpoint, shelf=shelf, sleep=Naps())
        assert (reply.outcome, server.uploads) == ("ok", 2)
        assert sum(server.billed.values()) == 2


def test_a_clip_that_gemini_cannot_read_is_rejected(clip: Video, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    asked = question("gemini", parts=(clip, Text("When?")))
    with vendor("gemini") as (server, endpoint):
        server.broken = True
        reply = ask(asked, endpoint, shelf=shelf, sleep=Naps())
        again = ask(asked, endpoint, shelf=shelf, sleep=Naps())
        assert not server.questions
    assert reply.outcome == "rejected" and "no frames" in reply.problem
    assert again == reply


def test_a_clip_that_is_gone_is_named(clip: Video) -> None:
    Path(clip.path).unlink()
    for provider in ("gemini", "compatible"):
        asked = question(provider, parts=(replace(clip, start_s=None, end_s=None), Text("When?")))
        with vendor(provider) as (_, endpoint), pytest.raises(NotFound, match="schlägt zu"):
            ask(asked, endpoint)


def test_what_a_vendor_cannot_take_is_said_before_asking(clip: Video) -> None:
    for provider in ("anthropic", "openai"):
        with vendor(provider) as (server, endpoint):
            with pytest.raises(BadRequest, match="as frames"):
                ask(question(provider, parts=(clip,)), endpoint)
            assert not server.requests
    with vendor("compatible") as (_, endpoint), pytest.raises(BadRequest, match="whole videos"):
        ask(question("compatible", parts=(clip,)), endpoint)
    with pytest.raises(BadRequest, match="base URL"):
        ask(question("compatible"), Endpoint("compatible"))
    with vendor("gemini") as (_, endpoint), pytest.raises(BadRequest, match="24 pictures"):
        ask(question("gemini", parts=(replace(clip, fps=30.0),)), endpoint, sleep=Naps())


@pytest.mark.parametrize("provider", ["anthropic", "openai", "compatible"])
def test_many_pictures_arrive_in_their_order(provider: Provider) -> None:
    frames = [Image(JPEG + str(number).encode()) for number in range(240)]
    parts = tuple(part for number, frame in enumerate(frames) for part in (Text(f"frame {number}"), frame))
    body = json.dumps(sent(provider, question(provider, parts=parts)))
    places = [body.index(f'"frame {number}"') for number in range(240)]
    assert places == sorted(places)
    assert sum(body.count(name) for name in ('"type": "image"', '"type": "input_image"', '"type": "image_url"')) == 240


def test_the_hash_covers_all_that_is_sent_and_no_path(clip: Video) -> None:
    base = Question("m", (Text("a"), Image(b"i"), clip, Audio("p", "s")))
    others = [
        replace(base, model="n"),
        replace(base, parts=(Text("b"), *base.parts[1:])),
        replace(base, parts=(base.parts[0], Image(b"j"), *base.parts[2:])),
        replace(base, parts=(*base.parts[:2], replace(clip, fps=9.0), base.parts[3])),
        replace(base, parts=(*base.parts[:2], replace(clip, layers=("frames",)), base.parts[3])),
        replace(base, parts=(*base.parts[:3], Audio("p", "t"))),
        *(replace(base, **{name: 1}) for name in ("system", "max_tokens", "effort", "temperature", "seed", "cache")),
        replace(base, schema=SCHEMA),
    ]
    hashes = {one.sent_sha256("gemini") for one in (base, *others)} | {base.sent_sha256("anthropic")}
    assert len(hashes) == len(others) + 2
    moved = replace(base, parts=(*base.parts[:2], replace(clip, path="/elsewhere"), Audio("q", "s")))
    assert moved.sent_sha256("gemini") == base.sent_sha256("gemini")
    whole = [replace(base, parts=(replace(clip, fps=fps),), temperature=fps) for fps in (1, 1.0)]
    assert len({one.sent_sha256("gemini") for one in whole}) == 1


@pytest.mark.parametrize("provider", VENDORS)
def test_a_missing_key_names_its_variable(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(provider, base_url="http://127.0.0.1:9", key_env="LAB_KEY")
    monkeypatch.delenv("LAB_KEY", raising=False)
    with pytest.raises(MissingPart, match="LAB_KEY is not set"):
        check_key(endpoint)
    monkeypatch.setenv("LAB_KEY", f"{KEY}\n{KEY}")
    with pytest.raises(MissingPart, match="LAB_KEY holds characters") as caught:
        ask(question(provider), endpoint)
    assert KEY not in str(caught.value)


def test_a_compatible_server_may_want_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_COMPATIBLE_API_KEY")
    with vendor("compatible") as (_, endpoint):
        assert ask(question("compatible"), endpoint).outcome == "ok"


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with vendor("openai") as (_, endpoint), pytest.raises(MissingPart, match="openai is not installed: pip install"):
        ask(question("openai"), endpoint)


def test_no_vendors_library_is_loaded_before_it_is_needed() -> None:
    loaded = modules_after("import thud.providers")
    assert not {"anthropic", "openai", "google", "httpx", "httpx2", "torch"} & loaded
