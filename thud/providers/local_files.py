"""What can be told of a model from its folder alone: which weights it holds, and whether it can be opened here.

Nothing is loaded and neither torch nor transformers is imported, so a screen may ask.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from thud.errors import BadRequest

Verdict = Literal["ok", "degraded", "blocked"]

WHOLE_BYTES = 16 * 1024 * 1024
"""Files up to this size count with all their bytes."""

SAMPLE_BYTES = 4096
"""Of each tensor (or of each of SLICES parts of another big file) this much counts: what fine-tuning changes, it
changes nearly everywhere."""

SLICES = 256
LONGEST_HEADER = 100_000_000
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
NOT_THE_MODEL = (".md", ".lock", ".metadata", ".png", ".jpg", ".mp4", ".wav", ".pdf", ".log", ".tmp")
OF_TRAINING = (
    "training_args.",
    "trainer_state.",
    "optimizer.",
    "scheduler.",
    "rng_state",
    "scaler.",
    "README",
    "LICENSE",
)
KNOWN = "models/auto/modeling_auto.py"
NEEDED = ("torch", "transformers", "torchvision", "accelerate")
RESERVE = 1.2
"""Memory for what is computed beside the weights."""

FOUR_BIT_SHARE = 0.35
"""Memory in 4 bits as a share of 16 bits, with what is kept whole."""

SLOW_BYTES = 3_000_000_000
"""Bigger weights answer in minutes, not seconds, without a GPU."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model on this machine. path: its folder. adapter: a folder with LoRA weights, "" = none.

    device: "auto", "cpu", "cuda", "cuda:1"… dtype: "auto" (the checkpoint's own), "bfloat16", "float16", "float32".
    trust_remote_code: whether Python files in the folder may run.
    """

    path: str
    adapter: str = ""
    four_bit: bool = False
    device: str = "auto"
    dtype: str = "auto"
    trust_remote_code: bool = False


def weights_id(model: LocalModel) -> str:
    """SHA-256 (hex) of what makes the model and its adapter answer as they do, wherever the folders lie.

    Names, sizes and all bytes of files up to 16 MB (configuration, tokenizer, templates, code); of bigger ones the
    table of contents and 4 KB from the middle of each tensor: seconds for 60 GB, and any training shows. How the
    model is run (4 bits, number format, device) is not in it. Raises BadRequest for a folder that is not there.
    """
    digest = hashlib.sha256(b"thud weights 1")
    for folder in filter(None, (model.path, model.adapter)):
        root = Path(folder)
        if not root.is_dir():
            raise BadRequest(f"There is no folder {folder}.")
        digest.update(b"\nfolder")
        for path in _files(root):
            digest.update(f"\n{path.relative_to(root).as_posix()} {path.stat().st_size}\n".encode())
            for piece in _pieces(path):
                digest.update(piece)
    return digest.hexdigest()


def probe_local(model: LocalModel) -> tuple[Verdict, str]:
    """Whether the model can be opened here, and a sentence that says what to do: "ok", "degraded" (it will run, with
    what the sentence says), "blocked".
    """
    try:
        config = _read(Path(model.path) / "config.json", "model")
        problem = _missing_library(model) or _unknown_family(model, config) or _missing_shards(Path(model.path))
        problem = problem or (_misfit(model) if model.adapter else "")
    except BadRequest as error:
        problem = str(error)
    if problem:
        return "blocked", problem
    return _room(model) or _other_base(model) or ("ok", f"{Path(model.path).name} can be opened.")


def _files(root: Path) -> list[Path]:
    """The files that count, by name. An adapter's folder may hold checkpoints of its training: folders do not count."""
    return sorted(
        path
        for path in root.iterdir()
        if path.is_file() and path.suffix not in NOT_THE_MODEL and not path.name.startswith((".", *OF_TRAINING))
    )


def _pieces(path: Path) -> Iterator[bytes]:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= WHOLE_BYTES:
            yield file.read()
            return
        if path.suffix == ".safetensors":
            header, start = _header(file, path)
            yield json.dumps(header, sort_keys=True).encode()
            spans = [tuple(told["data_offsets"]) for name, told in sorted(header.items()) if name != "__metadata__"]
            places = [start + (first + last) // 2 for first, last in sorted(spans)]
        else:
            places = [size * part // SLICES for part in range(SLICES)]
        for place in places:
            file.seek(max(0, min(place, size - SAMPLE_BYTES)))
            yield file.read(SAMPLE_BYTES)


def _header(file: BinaryIO, path: Path) -> tuple[dict[str, Any], int]:
    """A safetensors file's table of contents, and where its data starts. BadRequest for a torn file."""
    try:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length)) if length <= LONGEST_HEADER else None
    except (struct.error, ValueError):
        header = None
    if not isinstance(header, dict):
        raise BadRequest(f"{path} is damaged or was not downloaded to its end; download it again.")
    return header, 8 + length


def _read(path: Path, kind: str) -> dict[str, Any]:
    if not path.parent.is_dir():
        raise BadRequest(f"There is no folder {path.parent}. Download the {kind} first, and give the folder it is in.")
    if not path.is_file():
        other = (path.parent / "adapter_config.json").is_file() and kind == "model"
        hint = " It holds an adapter: give its base model as the model, and this as its adapter." if other else ""
        raise BadRequest(f"{path.parent} is no {kind}: it has no {path.name}.{hint}")
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadRequest(f"{path} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise BadRequest(f"{path} holds no settings.")
    return config


def _missing_library(model: LocalModel) -> str:
    needed = [*NEEDED, *(["peft"] if model.adapter else []), *(["bitsandbytes"] if model.four_bit else [])]
    absent = [name for name in needed if importlib.util.find_spec(name) is None]
    return f"Not installed: {', '.join(absent)}. Run: pip install -r requirements.txt" if absent else ""


def _unknown_family(model: LocalModel, config: dict[str, Any]) -> str:
    family = config.get("model_type", "")
    if "auto_map" in config and not model.trust_remote_code:
        return f"{model.path} brings its own Python code. Read it, then allow it with trust_remote_code."
    spec = importlib.util.find_spec("transformers")
    known = Path((spec.submodule_search_locations or [""])[0] if spec else "") / KNOWN
    if "auto_map" not in config and f'("{family}", ' not in _part_of(known):
        return f"The installed transformers knows no model that sees or hears of the family “{family}”."
    return ""


def _part_of(path: Path) -> str:
    """The two tables of families that take pictures or sound, as text: importing them takes five seconds."""
    text = path.read_text("utf-8") if path.is_file() else ""
    names = ("MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES", "MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES")
    found = [re.search(rf"^{name} = (.*?)^\)", text, re.S | re.M) for name in names]
    return "".join(part.group(1) for part in found if part)


def _missing_shards(folder: Path) -> str:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        wanted = set(_read(index, "model").get("weight_map", {}).values())
        absent = sorted(name for name in wanted if not (folder / name).is_file())
        return f"{folder} lacks {absent[0]}; its download was not finished." if absent else ""
    return "" if any(folder.glob("*.safetensors")) or any(folder.glob("*.bin")) else f"{folder} holds no weights."


def _misfit(model: LocalModel) -> str:
    """Why the adapter does not fit the base, judged by the shapes of LoRA's matrices; "" if nothing speaks against."""
    folder = Path(model.adapter)
    _read(folder / "adapter_config.json", "adapter")
    file = folder / "adapter_model.safetensors"
    if not file.is_file():
        return "" if (folder / "adapter_model.bin").is_file() else f"{folder} holds no adapter_model.safetensors."
    ours, base = _shapes(file), _base_shapes(Path(model.path))
    for name, shape in ours.items():
        stem, found = re.subn(r"\.lora_A(\.default)?\.weight$", "", name)
        fits = base.get(_place(f"{stem}.weight"), set())
        if found and fits and shape[-1] not in fits:
            return (
                f"The adapter {folder} was made for another model: its {stem.rsplit('.', 1)[-1]} takes "
                f"{shape[-1]} values, and the base has {', '.join(map(str, sorted(fits)))}."
            )
    return ""


def _other_base(model: LocalModel) -> tuple[Verdict, str] | None:
    """A warning when the adapter names another base: of two of the same size, shapes do not tell which it was."""
    if not model.adapter:
        return None
    named = str(_read(Path(model.adapter) / "adapter_config.json", "adapter").get("base_model_name_or_path") or "")
    if not named or Path(named).name.lower() == Path(model.path).resolve().name.lower():
        return None
    told = f"The adapter says that its base is “{named}”; make sure that {model.path} is the same model."
    return "degraded", told


def _base_shapes(folder: Path) -> dict[str, set[int]]:
    """How many values each two-dimensional weight takes, by the end of its name: the beginning depends on versions."""
    found: dict[str, set[int]] = {}
    for file in sorted(folder.glob("*.safetensors")):
        for name, shape in _shapes(file).items():
            if len(shape) == 2:
                found.setdefault(_place(name), set()).add(shape[1])
    return found


def _shapes(file: Path) -> dict[str, list[int]]:
    with file.open("rb") as opened:
        header, _ = _header(opened, file)
    return {name: told["shape"] for name, told in header.items() if name != "__metadata__"}


def _place(name: str) -> str:
    """From the number of the layer on; the whole last part where there is none."""
    found = re.search(r"(layers|blocks)\.\d+\..*", name)
    return found.group(0) if found else name.removesuffix(".weight").rsplit(".", 1)[-1]


def _room(model: LocalModel) -> tuple[Verdict, str] | None:
    """A verdict where memory is short or no GPU is there; None when nothing is to be said."""
    gpu = Path("/proc/driver/nvidia/gpus").exists()
    if model.device.startswith("cuda") and not gpu:
        return "blocked", "This machine has no GPU that can be used. Choose the device cpu or auto."
    held = sum(path.stat().st_size for path in Path(model.path).iterdir() if path.suffix in WEIGHTS)
    if gpu and model.device != "cpu":
        return None  # how much memory the GPU has is seen when the model is loaded
    needed = held * (FOUR_BIT_SHARE if model.four_bit else 1.0) * RESERVE
    free = _free_bytes()
    name = Path(model.path).name
    if needed > free:
        hint = "Take a smaller model or a machine with a GPU." if model.four_bit else "Load it in 4 bits."
        return "blocked", f"{name} needs {needed / 1e9:.0f} GB of memory, and {free / 1e9:.0f} GB are free. {hint}"
    if held > SLOW_BYTES:
        return "degraded", f"{name} will run without a GPU: each answer takes minutes."
    return None


def _free_bytes() -> int:
    """Memory that is available now, as the kernel counts it; all of it where the kernel does not say."""
    try:
        told = Path("/proc/meminfo").read_text("ascii")
        return int(re.findall(r"MemAvailable:\s+(\d+)", told)[0]) * 1024
    except (OSError, IndexError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
