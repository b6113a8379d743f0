"""The picture survives every change of the sound untouched, and the file betrays nothing of the change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from scipy.signal import correlate

from tests.clips import RECIPES, make_clip, readable, truth
from thud.errors import RefusedEdit
from thud.media.guard import open_media, picture_stream, sound_stream
from thud.media.picture import _decode_times, mux, picture_hash
from thud.media.probe import probe
from thud.media.sound import Sound, read_sound, read_written


def sound_of(path: Path) -> Sound:
    found = probe(path)
    return read_sound(path, found) or Sound(truth(found.duration_s), 48_000)


def conditions(sound: Sound) -> dict[str, Sound | None]:
    random = np.random.default_rng(0)
    clicks = (random.random(sound.samples.shape) > 0.999).astype(np.float32) * np.float32(0.9)
    return {
        "original": sound,
        "muted": Sound(np.zeros_like(sound.samples), sound.rate_hz),
        "clicks": Sound(clicks, sound.rate_hz),  # AAC spends 170 kbit/s on these
    }


def structure(path: Path) -> list[object]:
    """All a program sees of a file without decoding it."""
    with open_media(path) as media:
        streams: list[object] = [
            (stream.type, stream.metadata, stream.time_base, stream.start_time, stream.duration, stream.frames)
            for stream in media.streams
        ]
        audio = sound_stream(media)
        assert audio is not None
        context = audio.codec_context
        sound = (context.codec.name, context.sample_rate, context.layout.name, context.extradata)
        return [media.duration, media.metadata, *streams, sound, path.stat().st_size]


@pytest.mark.parametrize("name", RECIPES)
def test_conditions_share_picture_size_and_structure(name: str, tmp_path: Path) -> None:
    source = readable()[name]
    sound = sound_of(source)
    written = {key: mux(source, edit, tmp_path / f"{key}.mp4") for key, edit in conditions(sound).items()}
    assert {picture_hash(path) for path in written.values()} == {picture_hash(source)}
    structures = [structure(path) for path in written.values()]
    assert all(found == structures[0] for found in structures)
    assert not any(tag in str(structures[0]) for tag in ("Lavf6", "Lavc", "creation_time"))
    dropped = mux(source, None, tmp_path / "dropped.mp4")
    assert picture_hash(dropped) == picture_hash(source)
    assert dropped.stat().st_size == written["original"].stat().st_size
    assert not probe(dropped).has_sound


@pytest.mark.parametrize("name", RECIPES)
def test_muxed_sound_is_aligned_and_the_clip_the_same(name: str, tmp_path: Path) -> None:
    source = readable()[name]
    sound = sound_of(source)
    path = mux(source, sound, tmp_path / "out.mp4")
    before, after = probe(source), probe(path)
    same = ("duration_s", "fps", "frames", "width", "height", "rotation", "video_codec")
    assert [getattr(after, fact) for fact in same] == [getattr(before, fact) for fact in same]
    assert (after.audio_start_s, after.damage) == (0, ())
    for heard in (read_sound(path, after), read_written(path)):
        assert heard is not None
        both = correlate(heard.samples[:, 0].astype(float), sound.samples[:, 0].astype(float), method="fft")
        assert int(np.argmax(both)) == len(sound.samples) - 1
        assert np.corrcoef(heard.samples[: len(sound.samples)].ravel(), sound.samples.ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("h264_aac.mov", ".mp4"), ("h264_opus.mkv", ".mp4"), ("vp9_opus.webm", ".mp4"), ("vp8_opus.webm", ".mkv")],
)
def test_container_is_mp4_where_it_can_carry_the_codec(name: str, suffix: str, tmp_path: Path) -> None:
    path = mux(readable()[name], sound_of(readable()[name]), tmp_path / "out.webm")
    assert path == tmp_path / f"out{suffix}"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("b_frames.mp4", "vp8_opus.webm"):
        sound = sound_of(readable()[name])
        first, second = (mux(readable()[name], sound, tmp_path / key) for key in ("a.mp4", "b.mp4"))
        assert first.read_bytes() == second.read_bytes()


def test_pictures_decode_to_the_same_pixels(tmp_path: Path) -> None:
    for name in ("b_frames.mp4", "rotated_90.mov", "vfr.mkv", "vp8_opus.webm"):
        path = mux(readable()[name], sound_of(readable()[name]), tmp_path / "out.mp4")
        assert _pixels(path) == _pixels(readable()[name])


def _pixels(path: Path) -> list[tuple[int, bytes]]:
    with open_media(path) as media:
        stream = picture_stream(media, path)
        return [(frame.rotation, bytes(frame.planes[0])) for frame in media.decode(stream)]


@pytest.mark.parametrize("name", ["h264_aac.mp4", "vp8_opus.webm"])
def test_the_hash_changes_with_any_byte_time_or_turn(name: str, tmp_path: Path) -> None:
    source = readable()[name]
    with open_media(source) as media:
        packet = [bytes(packet) for packet in media.demux(picture_stream(media, source)) if packet.size][7]
    changed = tmp_path / source.name
    changed.write_bytes(source.read_bytes().replace(packet, packet[:-1] + bytes([packet[-1] ^ 1])))
    assert picture_hash(changed) != picture_hash(source)
    assert picture_hash(readable()["rotated_90.mp4"]) != picture_hash(readable()["h264_aac.mp4"])
    assert picture_hash(_slowed(source, 1, tmp_path / "same.mkv")) == picture_hash(source)
    assert picture_hash(_slowed(source, 2, tmp_path / "slow.mkv")) != picture_hash(source)


def _slowed(source: Path, factor: int, path: Path) -> Path:
    """The same packets, each shown `factor` times as late."""
    kind = "mp4" if source.suffix == ".mp4" else "matroska"
    with open_media(source) as media, av.open(str(path), "w", format=kind) as out:
        stream = picture_stream(media, source)
        copy = out.add_stream_from_template(stream, opaque=True)
        for packet in media.demux(stream):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts * factor, packet.dts * factor, copy
                out.mux(packet)
    return path


def test_pictures_before_an_edit_list_stay_hidden(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "edited.mp4", picture_start_s=-0.2, sound_start_s=0.2, b_frames=2)
    path = mux(source, sound_of(source), tmp_path / "out.mp4")
    assert picture_hash(path) == picture_hash(source)
    assert probe(path).frames == probe(source).frames == 54


@pytest.mark.parametrize("codec", ["libx265", "libsvtav1", "mpeg2video"])
def test_other_codecs_are_carried_exactly(codec: str, tmp_path: Path) -> None:
    source = tmp_path / f"source{'.mkv' if codec == 'mpeg2video' else '.mp4'}"
    # In a process of its own: as root, SVT-AV1 makes the calling thread a real-time one, and its children inherit that.
    make = "import sys, pathlib, tests.clips as t; t.make_clip(pathlib.Path(sys.argv[1]), video_codec=sys.argv[2])"
    subprocess.run([sys.executable, "-c", make, str(source), codec], check=True, capture_output=True)
    path = mux(source, sound_of(source), tmp_path / "out.mp4")
    assert picture_hash(path) == picture_hash(source)


def test_rates_that_aac_lacks_are_resampled(tmp_path: Path) -> None:
    source = readable()["silent.mp4"]
    heard = read_written(mux(source, Sound(truth(2.0, 37_000, 1), 37_000), tmp_path / "out.mp4"))
    assert heard.rate_hz == 48_000


def test_what_no_container_can_carry_is_refused_in_words(tmp_path: Path) -> None:
    sound = Sound(truth(2.0), 48_000)
    plain = make_clip(tmp_path / "plain.avi", audio_codec="pcm_s16le")
    with pytest.raises(RefusedEdit, match=r"No container carries the h264 picture of plain\.avi unchanged"):
        mux(plain, sound, tmp_path / "out.mp4")
    b_frames = make_clip(tmp_path / "b.avi", video_codec="mpeg4", audio_codec="pcm_s16le", b_frames=2)
    with pytest.raises(RefusedEdit, match=r"b\.avi is an AVI with B-frames"):
        mux(b_frames, sound, tmp_path / "out.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.avi", "plain.avi"]


def test_the_source_is_never_written_over(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "clip.mp4")
    before = source.read_bytes()
    with pytest.raises(RefusedEdit, match="would be written over"):
        mux(source, None, source)
    assert source.read_bytes() == before


def test_decode_times_rise_and_come_in_time() -> None:
    for shown in ([0, 4, 2, 1, 3, 8, 6, 5, 7], [0, 1, 2, 3], [5], [0, 3, 1, 2]):
        times = _decode_times(shown)
        assert times == sorted(set(times))
        assert all(decoded <= pts for decoded, pts in zip(times, shown, strict=True))
