"""What reaches a server in each arm, looked at on the wire; and what is made of what comes back."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit import local_kit
from tests.unit.listeners_kit import DURATION_S, world
from tests.vendors import (
    ChatServer,
    ClaudeServer,
    GeminiServer,
    GptServer,
    VendorServer,
    anthropic_server,
    chat_server,
    openai_server,
)
from tests.vendors.gemini_server import look
from tests.vendors.kit import Naps, give_keys
from thud.errors import BadRequest
from thud.listeners.arms import question_of
from thud.listeners.asking import Heard, respond, respond_local
from thud.listeners.roster import LISTENERS, TRANSPORTS, Listener, endpoint_of, parse_listener
from thud.media.probe import probe
from thud.providers import ask
from thud.records import Clip, Item

SERVERS: dict[str, type[VendorServer]] = {
    "gemini": GeminiServer, "compatible": ChatServer, "openai": GptServer, "anthropic": ClaudeServer,
}  # fmt: skip
ANSWER = "They are in sync."
models = local_kit.models
NOWHERE = {"name": "c", "backend": "compatible", "model": "m", "base_url": "http://127.0.0.1:1/v1"}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    give_keys(monkeypatch)


@contextmanager
def served(backend: str, **settings: Any) -> Iterator[tuple[Any, Listener]]:
    server_settings = {name: settings.pop(name) for name in ("answer", "faults") if name in settings}
    with SERVERS[backend](**{"answer": lambda _: ANSWER, **server_settings}) as server:
        row = {"name": "under test", "backend": backend, "model": "omni-1", "base_url": server.url, **settings}
        yield server, parse_listener(row)


def asked(listener: Listener, item: Item) -> Heard:
    endpoint = endpoint_of(listener)
    return respond(listener, item, world().media(item), lambda question: ask(question, endpoint, sleep=Naps()))


def sent(backend: str, task: str, condition: str, arm: str, **settings: Any) -> tuple[dict[str, Any], Any, Item]:
    """(JSON that arrived, the server, the item) of one item asked."""
    fill = settings.pop("fill", "")
    with served(backend, **{"arms": [arm], **settings}) as (server, listener):
        item = world().item(listener, task, condition, arm, fill=fill)
        assert asked(listener, item).outcome == "ok"
        assert len(server.questions) == 1
        return server.questions[0].json, server, item


def streams(data: bytes, folder: Path) -> tuple[float, float]:
    """(seconds of picture, channels of sound) in the bytes of a film; 0 where there is none."""
    path = folder / "received.mp4"
    path.write_bytes(data)
    found = probe(path)
    return round(found.duration_s, 2), found.channels


def data_of(url: str) -> bytes:
    assert url.startswith("data:")
    return b64decode(url.partition("base64,")[2])


def own_sound(item: Item) -> bytes:
    sound = world().media(item).sound
    assert sound is not None
    return sound.read_bytes()


@pytest.mark.parametrize(
    ("arm", "layers"),
    [
        ("audio_video", ["FRAMES", "AUDIO"]),
        ("shuffled_picture", ["FRAMES", "AUDIO"]),
        ("picture_only", ["FRAMES"]),
        ("sound_only", ["AUDIO"]),
    ],
)
def test_gemini_gets_one_film_and_the_layers_of_the_arm(arm: str, layers: list[str], tmp_path: Path) -> None:
    body, server, item = sent("gemini", "sync", "delayed", arm, fps=4, max_tokens=900, seed=5)
    video, words = body["contents"][0]["parts"]
    seen = look(video, "video_metadata")
    assert look(seen, "content_layers") == layers
    assert look(video, "media_processing") == "STATIC"
    assert seen.get("fps") == (None if arm == "sound_only" else 4.0)
    assert words["text"] == item.text
    assert "responseJsonSchema" not in body["generationConfig"]
    assert (body["generationConfig"]["maxOutputTokens"], body["generationConfig"]["seed"]) == (900, 5)
    [film] = server.media(body)
    assert streams(film, tmp_path) == (DURATION_S, 0 if arm == "picture_only" else 1)


def test_the_film_of_another_picture_shows_that_picture(tmp_path: Path) -> None:
    body, server, item = sent("gemini", "sync", "original", "shuffled_picture")
    from thud.media.picture import picture_hash

    path = tmp_path / "film.mp4"
    path.write_bytes(server.media(body)[0])
    assert picture_hash(path) == world().clips[item.partner].picture_hash
    assert picture_hash(path) != world().clips[item.clip_id].picture_hash


def test_a_dropped_stream_is_a_film_without_sound_and_no_fault_of_the_server(tmp_path: Path) -> None:
    body, server, _ = sent("gemini", "existence", "muted", "audio_video", fill="drop_stream")
    assert look(look(body["contents"][0]["parts"][0], "video_metadata"), "content_layers") == ["FRAMES"]
    assert streams(server.media(body)[0], tmp_path)[1] == 0


def test_sound_that_gemini_did_not_read_is_no_answer() -> None:
    with served("gemini") as (server, listener):
        server.hears = False
        item = world().item(listener, "sync", "original")
        heard = asked(listener, item)
        assert (heard.outcome, heard.text) == ("no_audio", ANSWER)
        assert "0 audio tokens" in heard.problem
        silent = world().item(listener, "existence", "muted", fill="silence")
        assert asked(listener, silent).outcome == "no_audio"
        gone = world().item(listener, "existence", "muted", fill="drop_stream")
        assert asked(listener, gone).outcome == "ok"
        assert asked(listener, world().item(listener, "sync", "original", "picture_only")).outcome == "ok"


def kinds(body: dict[str, Any]) -> list[str]:
    return [part["type"] for part in chat_server.parts(body)]


def test_a_film_alone(tmp_path: Path) -> None:
    body, _, item = sent("compatible", "sync", "early", "audio_video", transport="video_url", fps=3)
    assert kinds(body) == ["video_url", "text"]
    film, words = chat_server.parts(body)
    assert streams(data_of(film["video_url"]["url"]), tmp_path) == (DURATION_S, 1)
    assert words["text"] == item.text
    assert (body["mm_processor_kwargs"], body["max_tokens"]) == ({"fps": 3.0}, 512)
    assert "response_format" not in body and "temperature" not in body


def test_a_film_without_sound_and_the_sound_by_itself(tmp_path: Path) -> None:
    body, _, item = sent("compatible", "sync", "early", "audio_video", transport="video_url+audio_url", temperature=0)
    assert kinds(body) == ["video_url", "audio_url", "text"]
    film, sound, _ = chat_server.parts(body)
    assert streams(data_of(film["video_url"]["url"]), tmp_path) == (DURATION_S, 0)
    assert sound["audio_url"]["url"].startswith("data:audio/wav;")
    assert data_of(sound["audio_url"]["url"]) == own_sound(item)
    assert body["temperature"] == 0.0


def test_frames_with_their_times_and_the_sound() -> None:
    body, _, item = sent("compatible", "sync", "early", "audio_video", transport="frames+input_audio", width=64)
    assert kinds(body) == ["text", "image_url"] * 4 + ["input_audio", "text"]
    found = chat_server.parts(body)
    assert [part["text"] for part in found[:8:2]] == [f"frame t={t:.3f} s" for t in (0, 0.48, 1.0, 1.48)]
    assert (b64decode(found[8]["input_audio"]["data"]), found[8]["input_audio"]["format"]) == (own_sound(item), "wav")
    assert found[-1]["text"] == item.text
    assert "mm_processor_kwargs" not in body


def test_media_beside_the_messages(tmp_path: Path) -> None:
    body, _, item = sent("compatible", "sync", "early", "audio_video", transport="sglang")
    assert body["messages"] == [{"role": "user", "content": item.text}]
    assert streams(data_of(body["videos"][0]), tmp_path) == (DURATION_S, 0)
    assert [data_of(url) for url in body["audios"]] == [own_sound(item)]


@pytest.mark.parametrize("transport", [one for one in TRANSPORTS if one != "frames"])
def test_the_picture_alone_has_no_sound_anywhere(transport: str, tmp_path: Path) -> None:
    body, _, _ = sent("compatible", "sync", "early", "picture_only", transport=transport)
    text = json.dumps(body)
    assert "audio" not in text.replace(json.dumps(world().plan(LISTENERS["signal"]).items[0].text), "")
    urls = body.get("videos") or [part["video_url"]["url"] for part in chat_server.parts(body) if "video_url" in part]
    assert all(streams(data_of(url), tmp_path)[1] == 0 for url in urls)
    assert urls or "image_url" in kinds(body)


@pytest.mark.parametrize(
    ("transport", "kind"),
    [
        ("video_url", "input_audio"),
        ("video_url+audio_url", "audio_url"),
        ("frames+input_audio", "input_audio"),
        ("sglang", ""),
    ],
)
def test_the_sound_alone_has_no_picture(transport: str, kind: str) -> None:
    body, _, item = sent("compatible", "existence", "original", "sound_only", transport=transport)
    if kind:
        assert kinds(body) == [kind, "text"]
    else:
        assert "videos" not in body and [data_of(url) for url in body["audios"]] == [own_sound(item)]
    assert "video" not in json.dumps({name: value for name, value in body.items() if name != "messages"})


@pytest.mark.parametrize("transport", [one for one in TRANSPORTS if one != "frames"])
def test_a_dropped_stream_sends_no_sound(transport: str, tmp_path: Path) -> None:
    body, _, _ = sent("compatible", "existence", "muted", "audio_video", transport=transport, fill="drop_stream")
    assert "audios" not in body
    parts = [] if transport == "sglang" else chat_server.parts(body)
    assert not any("audio" in part["type"] for part in parts)
    assert all(
        streams(data_of(part["video_url"]["url"]), tmp_path)[1] == 0 for part in parts if part["type"] == "video_url"
    )


def test_a_muted_clip_sends_silence() -> None:
    body, _, item = sent("compatible", "existence", "muted", "audio_video", fill="silence")
    sound = data_of(chat_server.parts(body)[1]["audio_url"]["url"])
    assert sound == own_sound(item) and not any(sound[44:])


def openai_texts(body: dict[str, Any]) -> list[str]:
    return [part["text"] for part in body["input"][0]["content"] if "text" in part]


@pytest.mark.parametrize(
    ("backend", "pictures", "texts"),
    [
        ("openai", openai_server.pictures, openai_texts),
        ("anthropic", anthropic_server.pictures, anthropic_server.texts),
    ],
)
def test_gpt_and_claude_see_timed_frames_and_no_sound(
    backend: str, pictures: Callable[[Any], list[Any]], texts: Callable[[Any], list[str]]
) -> None:
    body, _, item = sent(backend, "sync", "delayed", "picture_only", fps=2, max_frames=3)
    assert len(pictures(body)) == 3
    assert texts(body) == ["frame t=0.000 s", "frame t=0.640 s", "frame t=1.320 s", item.text]
    assert "audio" not in json.dumps(body).replace("audio", "", item.text.count("audio"))
    with served(backend) as (_, listener):
        heard_item = world().item(parse_listener({"name": "Gemini-3.1-Pro"}), "sync", "delayed")
        with pytest.raises(BadRequest, match="cannot be asked in the arm audio_video"):
            question_of(listener, heard_item, world().media(heard_item))


def test_pictures_are_as_wide_as_asked() -> None:
    from io import BytesIO

    from PIL import Image

    body, _, _ = sent("compatible", "sync", "early", "picture_only", transport="frames", width=64)
    found = [part for part in chat_server.parts(body) if part["type"] == "image_url"]
    assert Image.open(BytesIO(data_of(found[0]["image_url"]["url"]))).size == (64, 48)


def test_the_picture_of_all_conditions_of_a_clip_is_one_request() -> None:
    here = world()
    listener = parse_listener(NOWHERE)

    def hashes(arm: str) -> list[str]:
        items = here.plan(listener, arm=arm, tasks=("sync",)).items
        return [question_of(listener, one, here.media(one)).sent_sha256("compatible") for one in items]

    assert (len(hashes("picture_only")), len(set(hashes("picture_only")))) == (8, 2)
    assert len(set(hashes("audio_video"))) == 8


def test_each_transport_is_another_request() -> None:
    here = world()
    listeners = [parse_listener({**NOWHERE, "transport": name}) for name in TRANSPORTS if name != "frames"]
    item = here.item(listeners[0], "sync", "original", "sound_only")
    hashes = {question_of(one, item, here.media(item)).sent_sha256("compatible") for one in listeners}
    assert len(hashes) == 3  # video_url and frames+input_audio send a sound alone in the same way


FAULTS = {
    "refusal": "refused", "truncated": "truncated", "empty": "empty", "garbage": "error", "list": "error",
    "400": "rejected", "drop": "in_doubt", "cut": "in_doubt",
}  # fmt: skip


@pytest.mark.parametrize("backend", list(SERVERS))
def test_whatever_goes_wrong_is_an_outcome_of_its_own(backend: str) -> None:
    arm = "picture_only" if backend in ("openai", "anthropic") else "audio_video"
    with served(backend, faults=list(FAULTS)) as (_, listener):
        item = world().item(listener, "sync", "original", arm)
        heard = [asked(listener, item) for _ in FAULTS]
    assert [one.outcome for one in heard] == list(FAULTS.values())
    assert all(one.problem and len(one.replies) == 1 for one in heard)
    assert heard[1].text == ANSWER[: len(ANSWER) // 2]


ERRORS: list[tuple[str, dict[str, Any]]] = [
    ("out of memory", {"error": {"message": "out of memory", "code": 500}}),
    ("out of memory", {"error": "out of memory"}),
    ("out of memory", {"object": "error", "message": "out of memory", "code": 400}),
    ("out of memory", {"detail": "out of memory"}),
    ("no words", {"error": {"code": 3}}),
]


@pytest.mark.parametrize(("told", "body"), ERRORS)
@pytest.mark.parametrize("backend", list(SERVERS))
def test_an_error_that_comes_as_if_all_were_well_is_an_error(backend: str, told: str, body: dict[str, Any]) -> None:
    arm = "picture_only" if backend in ("openai", "anthropic") else "audio_video"
    with served(backend) as (server, listener):
        server.reply = lambda *_: body
        heard = asked(listener, world().item(listener, "sync", "original", arm))
    assert (heard.outcome, heard.text) == ("error", "")
    assert told in heard.problem


def test_the_name_that_the_server_gives_itself_is_kept() -> None:
    with served("compatible") as (server, listener):
        item = world().item(listener, "sync", "original")
        assert asked(listener, item).model_echo == "omni-1"
        server.model_echo = "omni-1-quantized"
        heard = asked(listener, item)
    assert (heard.model_echo, heard.outcome) == ("omni-1-quantized", "ok")
    assert heard.latency_s > 0


def test_what_is_asked_is_what_the_key_says() -> None:
    settings = {"max_tokens": 77, "temperature": 0.5, "seed": 9, "effort": "low"}
    body, _, _ = sent("compatible", "sync", "original", "audio_video", **settings)
    assert (body["max_tokens"], body["temperature"], body["seed"], body["reasoning_effort"]) == (77, 0.5, 9, "low")
    assert body["model"] == "omni-1"


def test_a_clip_that_shows_one_picture_is_one_still(tmp_path: Path) -> None:
    from tests.clips import make_clip
    from thud.listeners.stills import stills, true_fps

    path = make_clip(tmp_path / "still.mp4", times_s=(0.0,), seconds=5.0, audio_codec=None)
    clip = Clip("a" * 64, str(path), "still", probe(path), "")
    listener = parse_listener({"name": "GPT-5.5"})
    assert [at_s for at_s, _ in stills(listener, clip)] == [0.0]
    assert true_fps(listener, 1000.0) == 0.06
    assert true_fps(listener, 10.0) == 2.0


def nobody(question: object) -> Any:
    raise AssertionError("nobody is to be asked")


def test_baselines_ask_nobody() -> None:
    for listener in (LISTENERS["always-synced"], LISTENERS["signal"]):
        item = world().item(listener, "sync", "original")
        heard = respond(listener, item, world().media(item), nobody)
        assert (heard.outcome, heard.replies, heard.model_echo) == ("ok", (), listener.model)
        with pytest.raises(BadRequest, match="nothing to send"):
            question_of(listener, item, world().media(item))


def test_a_model_on_this_machine_is_shown_what_the_arm_says(models: Any) -> None:
    row = {"name": "tiny", "backend": "local", "model": models("qwen25"), "max_tokens": 8, "width": 84}
    listener = parse_listener({**row, "arms": ["audio_video", "picture_only", "sound_only", "shuffled_picture"]})
    here = world()
    told = [("sync", "original", arm) for arm in ("audio_video", "picture_only", "sound_only", "shuffled_picture")]
    told += [("sync", "delayed", "audio_video"), ("sync", "delayed", "picture_only")]
    items = [here.item(listener, *one) for one in told]
    media = [here.media(one) for one in items]
    heard = respond_local(listener, items, media)
    assert {one.outcome for one in heard} <= {"ok", "truncated"}
    assert all(one.text and one.model_echo and not one.replies for one in heard)
    first = respond(listener, items[0], media[0], nobody)
    assert (first.outcome, first.text) == (heard[0].outcome, heard[0].text)
    # Random weights make noise of every sample and pixel, so what differs was shown differently.
    texts = dict(zip(told, (one.text for one in heard), strict=True))
    assert len({texts["sync", "original", arm] for arm in ("audio_video", "picture_only", "sound_only")}) == 3
    assert texts["sync", "original", "picture_only"] == texts["sync", "delayed", "picture_only"]


def test_a_local_model_that_does_not_hear_rejects_sound(models: Any) -> None:
    listener = parse_listener({"name": "eyes", "backend": "local", "model": models("vl25"), "width": 84})
    item = world().item(listener, "sync", "original")
    heard = respond_local(listener, [item], [world().media(item)])[0]
    assert heard.outcome in ("rejected", "no_audio") and "does not hear" in heard.problem
