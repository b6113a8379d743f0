"""What a GPU machine should be able to do: a few steps of SFT and DPO, in 16 and in 4 bits, of a large random model.

    python -m training.gpu_check                 on one GPU, under 8 minutes; without one, a line and exit code 0
    python -m training.gpu_check --tiny --cpu    the same way through with a model of a few hundred thousand parameters

The model has the shape of Qwen2.5-Omni-3B's thinker and means nothing; it is trained by the very commands that train
real ones, on clips that are drawn here. All that uses the GPU does so in a process of its own, so that nothing is left
there. Memory is what the driver says, held against `training.memory`; a memory that nobody could measure is no pass.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.capability import DRIVER, as_number, driver_says
from training.config import TrainConfig, parse_config, to_json
from training.journal import read_lines
from training.recipes import command

PLANS = ("lora-sft", "qlora-sft", "lora-dpo", "qlora-dpo")
STEPS, WARMING_UP = 12, 3
LIMIT_S = 110.0
"""For one plan: four of them and the making of the model stay under 8 minutes."""
OFF_BY = 0.2
LOOK_EVERY_S = 0.2
GB = 1e9
TEXT = {
    "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16,
    "num_key_value_heads": 2, "vocab_size": 151936,
}  # fmt: skip
VISION = {"depth": 32, "hidden_size": 1280, "num_heads": 16, "intermediate_size": 3420, "out_hidden_size": 2048}
SOUND = {
    "num_mel_bins": 40, "encoder_layers": 32, "encoder_attention_heads": 20, "encoder_ffn_dim": 5120, "d_model": 1280,
    "output_dim": 2048,
}  # fmt: skip
"""As published, but for the number of mel bands, which is that of the processor that is built here."""

QUESTIONS = ("Is the sound in sync with the picture?", "Does the sound of this clip come too early or too late?")
ANSWERS = ("The sound comes too late.", "The sound and the picture are synchronized.")


@dataclass(frozen=True, slots=True)
class Measured:
    """One plan on this machine. memory_gb: the most that the driver saw beyond what was there before; on a CPU the
    most that the process held. busy: mean use of the GPU from the first step on, None where nobody can say.
    """

    plan: str
    tokens_per_s: float
    seconds_per_step: float
    memory_gb: float
    estimate_gb: float
    busy: float | None
    problem: str = ""

    @property
    def off_by(self) -> float | None:
        """By which share of the truth the estimate is wrong, above 0 where it is too high; None: it is not known."""
        return self.estimate_gb / self.memory_gb - 1 if self.memory_gb > 0 else None

    def good(self, gpu: bool) -> bool:
        """Whether it went, and on a GPU whether memory was as estimated."""
        return not self.problem and (not gpu or (self.off_by is not None and abs(self.off_by) <= OFF_BY))


def made_model(folder: Path, *, tiny: bool, cpu: bool) -> int:
    """As `write_model`, in a process of its own: what torch has reserved of a GPU it keeps until it ends."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child:
        return child.submit(write_model, folder, tiny=tiny, cpu=cpu).result()


def write_model(folder: Path, *, tiny: bool, cpu: bool) -> int:
    """Writes a random thinker with its processor; how many parameters it has."""
    from thud.providers.local_load import quiet
    from training.tiny.model import build, build_processor

    with quiet():
        if tiny:
            model, processor = build(0)
        else:
            processor = build_processor()
            model = _large(processor.tokenizer, "cpu" if cpu else "cuda")
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        return int(sum(tensor.numel() for tensor in model.parameters()))


def _large(tokens: Any, device: str) -> Any:
    import torch
    from transformers import Qwen2_5OmniThinkerConfig, Qwen2_5OmniThinkerForConditionalGeneration

    names = {"audio": "audio_token_index", "image": "image_token_index", "video": "video_token_index"}
    marks = {name: getattr(tokens, f"{kind}_token_id") for kind, name in names.items()}
    for kind, short in (("vision", "vision"), ("audio", "audio")):
        marks |= {
            f"{kind}_start_token_id": getattr(tokens, f"{short}_bos_token_id"),
            f"{kind}_end_token_id": getattr(tokens, f"{short}_eos_token_id"),
        }
    ends = {"eos_token_id": tokens.eos_token_id, "pad_token_id": tokens.pad_token_id}
    rope = {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6}
    config = Qwen2_5OmniThinkerConfig(
        text_config=TEXT | {"rope_parameters": rope}, vision_config=VISION, audio_config=SOUND, dtype="bfloat16",
        **marks, **ends,
    )  # fmt: skip
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            return Qwen2_5OmniThinkerForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(before)


def write_data(folder: Path, rows: int) -> Path:
    """An export with pairs about `rows` clips of the demo, their sound beside them."""
    from thud.media.probe import probe
    from thud.media.sound import read_sound
    from thud.media.write import to_models, write_wav
    from thud.pairs.formats.write import write_trl
    from thud.pairs.pair import Pair, Shown
    from thud.stimuli.demo.make import make_clip

    clips = folder / "clips"
    clips.mkdir(parents=True)
    pairs = []
    for number in range(rows):
        path = clips / make_clip(clips, 11, number).path
        sound = read_sound(path, probe(path))
        if sound is None:
            continue
        wav = write_wav(path.with_suffix(".wav"), to_models(sound))
        shown = Shown(str(path), str(wav))
        pairs.append(
            Pair(
                "shift", QUESTIONS[number % 2], ANSWERS[0], ANSWERS[1], shown, clip_id=str(number),
                source=str(number), task="sync", condition="delayed", offset_s=0.5, label="delayed",
                rejected_label="synced", split="train",
            )
        )  # fmt: skip
    return write_trl(pairs, folder / "data", folder).folder


def plan_config(plan: str, base: Path, data: Path, output: Path, *, tiny: bool, cpu: bool, steps: int) -> TrainConfig:
    """The config of one plan: SFT or DPO, in 16 bits or 4."""
    tuning, stage = plan.split("-")
    sizes = {"fps": 8.0, "max_frames": 16, "size_px": 56} if tiny else {"fps": 8.0, "max_frames": 64, "size_px": 448}
    return parse_config({
        "stage": stage, "base": str(base), "data": str(data), "output": str(output), "tuning": tuning,
        "max_steps": steps, "batch_size": 2, "learning_rate": 1e-4, "precision": "fp32" if cpu else "bf16",
        "gradient_checkpointing": not tiny, "save_every": 0, "threads": 1 if cpu else 4, **sizes,
    })  # fmt: skip


def measure(plan: str, config: TrainConfig, gpu: bool) -> Measured:
    """Trains by the command that everybody uses, and looks on."""
    from training.exports import loads_of, read_export
    from training.memory import estimate
    from training.shape import shape_of

    _, longest = loads_of(read_export(config.data), config, "qwen2.5-omni")
    need_gb = estimate(config, shape_of(config.base, config.lora.targets), longest, gpu=gpu).total_gb
    config.output.mkdir(parents=True)
    path = config.output / "config.json"
    path.write_text(json.dumps(to_json(config)), encoding="utf-8")
    environment, words = command(config, str(config.output), sys.executable)
    environment |= {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}
    watch = Watch(one_gpu() if gpu else "", config.output / "metrics.jsonl")
    with (config.output / "log.txt").open("w", encoding="utf-8") as log:
        child = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ, **environment})
        problem = watch.until_it_ends(child)
    lines = read_lines(watch.metrics) if not problem else []
    return _measured(plan, [line for line in lines if line["event"] == "step"], need_gb, watch, problem)


def one_gpu() -> str:
    """The number or uuid of the GPU that is checked, the first of those in sight; from here on children see no other.

    They count GPUs as the driver's program does.
    """
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]
    return os.environ["CUDA_VISIBLE_DEVICES"]


def _measured(plan: str, steps: Sequence[dict[str, Any]], need_gb: float, watch: Watch, problem: str) -> Measured:
    later = steps[min(WARMING_UP, len(steps) - 1) :] if steps else []
    seconds = sum(line["seconds"] for line in later)
    first = steps[-len(later) - 1]["tokens"] if 0 < len(later) < len(steps) else 0
    tokens = (later[-1]["tokens"] or 0) - first if later else 0
    each = seconds / len(later) if later else 0.0
    rate = tokens / seconds if seconds else 0.0
    return Measured(plan, round(rate, 1), round(each, 3), watch.most_gb, need_gb, watch.busy, problem)


class Watch:
    """Looks at the memory and the use of the device while a child runs. most_gb: the most memory that was seen.

    gpu: its number or uuid, "" = none. metrics: the child's journal, which it begins when the model is loaded. Made
    before the child, it knows what was there already.
    """

    def __init__(self, gpu: str, metrics: Path) -> None:
        self.gpu, self.metrics = gpu, metrics
        self.most_gb, self._ended = 0.0, threading.Event()
        self._uses: list[float] = []
        self._before_gb = self._gpu_now()[0] if gpu else None

    def until_it_ends(self, child: subprocess.Popen[bytes]) -> str:
        """What went wrong, "" if nothing did."""
        looking = threading.Thread(target=self._look, args=(child.pid,), daemon=True)
        looking.start()
        try:
            code = child.wait(LIMIT_S)
            return "" if code == 0 else f"it ended with code {code}"
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            return f"it took longer than {LIMIT_S:.0f} s"
        finally:
            self._ended.set()
            looking.join()

    @property
    def busy(self) -> float | None:
        """Mean use of the GPU over the looks since the journal began: loading does not count."""
        return round(sum(self._uses) / len(self._uses) / 100, 3) if self._uses else None

    def _look(self, pid: int) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            if not self.gpu:
                self.most_gb = max(self.most_gb, _most_held_gb(pid))
                continue
            held_gb, use = self._gpu_now()
            if use is not None and self._begun():
                self._uses.append(use)
            if held_gb is not None and self._before_gb is not None:
                self.most_gb = max(self.most_gb, held_gb - self._before_gb)

    def _begun(self) -> bool:
        return self.metrics.is_file() and self.metrics.stat().st_size > 0

    def _gpu_now(self) -> tuple[float | None, float | None]:
        """(GB in use, share of time in which it worked, in percent) of the GPU, None for what nobody tells."""
        for used, use in driver_says("memory.used,utilization.gpu", self.gpu):
            held = as_number(used)
            return None if held is None else held * 2**20 / GB, as_number(use)
        return None, None


def _most_held_gb(pid: int) -> float:
    """The most memory that a process has held so far, 0 once it is gone."""
    try:
        told = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace")
    except OSError:
        return 0.0
    peak = [line.split()[1] for line in told.splitlines() if line.startswith("VmHWM")]
    return int(peak[0]) * 1024 / GB if peak else 0.0


def words(one: Measured, gpu: bool) -> str:
    """A line for people."""
    if one.problem:
        return f"{one.plan:<10} FAILED: {one.problem}"
    held = f"{one.memory_gb:.1f} GB held"
    if one.off_by is None:
        held = "memory not measured"
    elif gpu:
        held += f", {one.estimate_gb:.1f} GB estimated ({one.off_by:+.0%})"
    use = "" if one.busy is None else f", GPU {one.busy:.0%} in use"
    return f"{one.plan:<10} {one.tokens_per_s:,.0f} tokens/s, {one.seconds_per_step:.2f} s a step, {held}{use}"


def has_gpu() -> bool:
    """Whether torch finds a GPU, as a process of its own tells."""
    line = [sys.executable, "-c", "import torch, sys; sys.exit(0 if torch.cuda.is_available() else 1)"]
    return subprocess.run(line, capture_output=True, timeout=180, check=False).returncode == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: all went, and memory was as estimated; or there is no GPU. 1: not so, or nobody can measure it."""
    parser = argparse.ArgumentParser(prog="python -m training.gpu_check", description="Can this GPU train?")
    parser.add_argument("--cpu", action="store_true", help="go through it without a GPU; with --tiny only")
    parser.add_argument("--tiny", action="store_true", help="a model of a few hundred thousand parameters")
    parser.add_argument("--only", choices=PLANS, action="append", help="this plan only; may be given more than once")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args(arguments)
    if asked.cpu and not asked.tiny:
        parser.error("--cpu goes with --tiny only")
    gpu = not asked.cpu
    if gpu and not has_gpu():
        sys.stdout.write("gpu-check: skipped, because torch finds no GPU on this machine.\n")
        return 0
    if gpu and shutil.which(DRIVER) is None:
        sys.stdout.write(f"gpu-check: torch finds a GPU, but {DRIVER}, which tells its memory, is not on the PATH.\n")
        return 1
    good = True
    if gpu:
        one_gpu()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        count = made_model(root / "model", tiny=asked.tiny, cpu=asked.cpu)
        data = write_data(root / "made", 4 if asked.tiny else 16)
        if not asked.json:
            sys.stdout.write(f"gpu-check: a random thinker of {count / 1e9:.2f} billion parameters\n")
        for plan in asked.only or PLANS:
            config = plan_config(
                plan, root / "model", data, root / plan, tiny=asked.tiny, cpu=asked.cpu, steps=asked.steps
            )
            one = measure(plan, config, gpu)
            good &= one.good(gpu)
            row = {**asdict(one), "off_by": None if one.off_by is None else round(one.off_by, 3)}
            sys.stdout.write((json.dumps(row) if asked.json else words(one, gpu)) + "\n")
            sys.stdout.flush()
            if one.problem:
                sys.stderr.write((config.output / "log.txt").read_text("utf-8", errors="replace")[-2000:])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
