"""Making stimuli, taking frames and drawing waveforms: CPU seconds against MoviePy and librosa on the same clips."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from tests.bench.rows import Row, cost_s, judge
from thud.media.encode import write_clip
from thud.media.frames import every_frame, frames_at
from thud.media.picture import mux, picture_hash
from thud.media.probe import probe
from thud.media.sound import Sound, read_sound, read_written
from thud.media.waveform import peaks, spectrogram_png
from thud.media.write import to_models, write_flac, write_wav
from thud.records import Clip, EventTimes, Stimulus
from thud.runs.jobs.ingest import hash_file
from thud.stimuli.build import BuildSettings, build_clip, plan_clip
from thud.stimuli.demo import DemoClip, make_demo
from thud.stimuli.donors import Donor

SETTINGS = BuildSettings((-0.6, -0.4, -0.2, 0.2, 0.4, 0.6), "room", ("silence",), True, 0)
FRAMES = 24


@dataclass(frozen=True, slots=True)
class Subject:
    """One demo clip and the clip that lends it its sound."""

    clip: Clip
    times: EventTimes
    donor: Donor


def subjects(folder: Path, count: int) -> list[Subject]:
    demo = make_demo(folder, seed=7, count=count + 1)
    clips = [_read(folder, d) for d in demo]
    times = [EventTimes(d.visual_s, d.audio_s, "construction") for d in demo]
    pairs = zip(clips, times, [*clips[1:], clips[0]], [*times[1:], times[0]], strict=True)
    return [Subject(c, t, Donor(other, heard.audio_s)) for c, t, other, heard in pairs][:count]


def _read(folder: Path, demo: DemoClip) -> Clip:
    path = folder / demo.path
    found = probe(path)
    return Clip(hash_file(path), str(path), demo.title, found, picture_hash(path), demo.title)


def stimuli_cost(count: int = 3) -> list[Row]:
    """The full condition set (original, ±3 offsets, mute, swap): ours, with MP4s, bare codecs, and MoviePy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = subjects(folder / "clips", count)
        _warm(chosen[0], folder)
        large = [_enlarged(chosen[0], folder / "large.mp4")]
        return [
            *_measure(chosen, folder / "small", f"{count} demo clips at 360p"),
            *_measure(large, folder / "large", "one of them at 720p"),
        ]


def _enlarged(subject: Subject, path: Path) -> Subject:
    """The same clip at 1280×720, the size of most people's clips."""
    small = Path(subject.clip.path)
    sound = read_sound(small, subject.clip.probe)
    frames = (np.asarray(picture.to_image(width=1280, height=720)) for _, picture in every_frame(small))
    write_clip(path, frames, Fraction(subject.clip.probe.fps or 30).limit_denominator(1001), sound)
    found = probe(path)
    clip = replace(subject.clip, sha256=hash_file(path), path=str(path), probe=found, picture_hash=picture_hash(path))
    return replace(subject, clip=clip)


def _measure(chosen: Sequence[Subject], folder: Path, what: str) -> list[Row]:
    ours, muxed, bare, theirs = [], [], [], []
    for number, subject in enumerate(chosen):
        out = folder / str(number)
        built: list[Stimulus] = []
        ours.append(cost_s(partial(_build, subject, out, built)))
        muxed.append(ours[-1] + cost_s(partial(_mux_all, subject.clip, built, out)))
        bare.append(cost_s(partial(_codecs_alone, subject, out, len(built))))
        theirs.append(cost_s(partial(_moviepy, subject, out)))
    return _cost_rows(sum(ours), sum(muxed), sum(bare), sum(theirs), what)


def _cost_rows(ours: float, muxed: float, bare: float, theirs: float, what: str) -> list[Row]:
    fifty = {"limit": 50.0, "sense": "at least", "on": "ratio", "baseline": theirs, "against": f"MoviePy, {what}"}
    return [
        judge("full condition set, proven", ours, "CPU s", ratio=theirs / ours, **fifty),  # type: ignore[arg-type]
        judge("full condition set, proven, and MP4s", muxed, "CPU s", ratio=theirs / muxed, **fifty),  # type: ignore[arg-type]
        judge(
            "full condition set over its codecs",
            ours,
            "CPU s",
            limit=1.5,
            on="ratio",
            baseline=bare,
            ratio=ours / bare,
            against=f"decode + encode alone, {what}",
        ),
    ]


def _warm(subject: Subject, folder: Path) -> None:
    """First use of each codec and of MoviePy's imports is nobody's running cost."""
    import moviepy  # noqa: F401

    built: list[Stimulus] = []
    _build(subject, folder / "warm", built)
    _mux_all(subject.clip, built[:1], folder / "warm")


def _build(subject: Subject, out: Path, built: list[Stimulus]) -> None:
    clip = subject.clip
    plan = plan_clip(clip, subject.times, SETTINGS, [subject.donor])
    stimuli, _ = build_clip(clip, subject.times, plan.edits, {subject.donor.clip.id: subject.donor.clip.path}, out)
    built += stimuli


def _mux_all(clip: Clip, built: Sequence[Stimulus], out: Path) -> None:
    for stimulus in built:
        mux(Path(clip.path), read_written(out / stimulus.people), out / f"{stimulus.id}.mp4")


def _codecs_alone(subject: Subject, out: Path, times: int) -> None:
    """What no tool can do without: decode the clip and its donor, encode each condition for models and for people."""
    sound = read_sound(Path(subject.clip.path), subject.clip.probe)
    read_sound(Path(subject.donor.clip.path), subject.donor.clip.probe)
    assert sound is not None
    for _ in range(times):
        write_flac(out / "bare.flac", sound)
        write_wav(out / "bare.wav", to_models(sound))


def _moviepy(subject: Subject, out: Path) -> None:
    """The same nine conditions as a MoviePy user writes them: one file each, picture encoded again."""
    from moviepy import AudioFileClip, CompositeAudioClip, VideoFileClip

    with VideoFileClip(subject.clip.path) as video, AudioFileClip(subject.donor.clip.path) as donor:
        sound = video.audio
        early = [CompositeAudioClip([sound.subclipped(-s)]) for s in SETTINGS.shifts if s < 0]
        late = [
            CompositeAudioClip([sound.with_start(s)]).with_duration(video.duration) for s in SETTINGS.shifts if s > 0
        ]
        for number, track in enumerate(
            [sound, *early, *late, None, donor.subclipped(0, min(donor.duration, video.duration))]
        ):
            edited = video.without_audio() if track is None else video.with_audio(track)
            edited.write_videofile(str(out / f"moviepy{number}.mp4"), audio_codec="aac", logger=None)


def frame_cost() -> list[Row]:
    """Exact frames at random times, peaks and a mel spectrogram, against MoviePy and librosa."""
    with tempfile.TemporaryDirectory() as name:
        subject = subjects(Path(name), 1)[0]
        path = Path(subject.clip.path)
        return [_frames(path, subject.clip.probe.duration_s), *_waveforms(path, Path(name))]


def _frames(path: Path, duration_s: float) -> Row:
    times = np.random.default_rng(1).uniform(0, duration_s - 0.1, FRAMES).tolist()

    def theirs() -> None:
        from moviepy import VideoFileClip

        with VideoFileClip(str(path)) as video:
            for time in times:
                video.get_frame(time)

    return _against(f"{FRAMES} exact frames", lambda: frames_at(path, times), theirs, "MoviePy")


def _waveforms(path: Path, folder: Path) -> Iterator[Row]:
    import librosa

    found = probe(path)
    sound = read_sound(path, found)
    assert sound is not None
    mono = sound.samples.mean(axis=1)
    wav = write_wav(folder / "sound.wav", sound)

    def their_peaks() -> None:
        loaded, rate = librosa.load(wav, sr=None)
        frame = rate // 1000
        blocks = librosa.util.frame(loaded, frame_length=frame, hop_length=frame)
        blocks.min(axis=0), blocks.max(axis=0)

    def their_mel() -> None:
        mel = librosa.feature.melspectrogram(y=mono, sr=sound.rate_hz, n_fft=2048, hop_length=sound.rate_hz // 250)
        librosa.power_to_db(mel)

    def our_peaks() -> None:
        peaks(read_written(wav))

    yield _against("waveform peaks, 1 kHz", our_peaks, their_peaks, "librosa.load + frames")
    yield _against(
        "mel spectrogram with its PNG",
        lambda: spectrogram_png(Sound(sound.samples, sound.rate_hz)),
        their_mel,
        "librosa, no PNG",
    )


def _against(name: str, ours: Callable[[], object], theirs: Callable[[], object], who: str, runs: int = 5) -> Row:
    """Medians of paired runs, after one that does not count."""
    ours(), theirs()
    pairs = [(cost_s(ours), cost_s(theirs)) for _ in range(runs)]
    mine, other = median(a for a, _ in pairs), median(b for _, b in pairs)
    ratio = median(b / max(a, 1e-4) for a, b in pairs)
    return judge(name, mine, "CPU s", limit=1.0, sense="at least", on="ratio", baseline=other, ratio=ratio, against=who)
