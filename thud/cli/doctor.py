"""`doctor`: what is installed, what is missing, what to do."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from thud.cli.output import Output

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"GEMINI_API_KEY": "Gemini", "OPENAI_API_KEY": "GPT", "ANTHROPIC_API_KEY": "Claude"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. state: ok, missing (something needs it), or optional (only some work needs it)."""

    name: str
    state: Literal["ok", "missing", "optional"]
    found: str
    advice: str = ""


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser("doctor", help="what is installed, what is missing, what to do")
    parser.add_argument("--gpu", action="store_true", help="also try the GPU: load, multiply, quantise")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    """Exit code 1 when something that the app needs is missing."""
    found = [*machine(), *libraries(), *programs(), *keys(), *(gpu() if args.gpu else ())]
    for f in found:
        sign = {"ok": "ok      ", "missing": "MISSING ", "optional": "optional"}[f.state]
        out.line(asdict(f), f"{sign}  {f.name:<22} {f.found}{'  → ' + f.advice if f.advice else ''}")
    return 1 if any(f.state == "missing" for f in found) else 0


def machine() -> Iterator[Finding]:
    """Python, cores and free disk."""
    good = sys.version_info >= (3, 11)
    yield Finding(
        "python", "ok" if good else "missing", platform.python_version(), "" if good else "needs 3.11 or newer"
    )
    yield Finding("cores", "ok", str(os.cpu_count()))
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    advice = "" if free > 2 else "less than 2 GB: stimuli and proxies may not fit; free some space"
    yield Finding("free disk", "ok" if free > 2 else "missing", f"{free:.1f} GB", advice)


def libraries() -> Iterator[Finding]:
    """Every pinned library."""
    for name, pinned in pins(ROOT / "requirements.txt"):
        try:
            here = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "missing", "not installed", "pip install -r requirements.txt")
            continue
        same = here.split("+")[0] == pinned
        yield Finding(name, "ok", here, "" if same else f"pinned is {pinned}: pip install -r requirements.txt")


def pins(file: Path) -> list[tuple[str, str]]:
    """(name, version) of each exact pin in a requirements file."""
    lines = file.read_text().splitlines() if file.is_file() else []
    return [(m[1], m[2]) for line in lines if (m := re.match(r"([\w.-]+)==([\w.]+)", line))]


def programs() -> Iterator[Finding]:
    """Programs that only the tests need."""
    where = shutil.which("chromium")
    advice = "" if where else "only the browser tests need it: apt-get install chromium"
    yield Finding("chromium", "ok" if where else "optional", where or "not installed", advice)


def keys() -> Iterator[Finding]:
    """Whether each vendor's key is in the environment; never the key itself."""
    for name, who in KEYS.items():
        here = bool(os.environ.get(name))
        yield Finding(name, "ok" if here else "optional", "set" if here else "not set", "" if here else f"to ask {who}")


GPU_PROBE = """
import json, torch
row = {"torch": torch.__version__, "cuda": torch.version.cuda, "gpus": []}
for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
    free, total = torch.cuda.mem_get_info(i)
    a = torch.randn(2048, 2048, device=f"cuda:{i}", dtype=torch.bfloat16)
    row["gpus"].append({"name": torch.cuda.get_device_name(i), "free_gb": free / 1e9, "total_gb": total / 1e9,
                        "bf16": bool(torch.isfinite(a @ a).all())})
try:
    import bitsandbytes as bnb
    if row["gpus"]:
        w = torch.randn(64, 64, device="cuda:0")
        q, s = bnb.functional.quantize_4bit(w, quant_type="nf4")
        row["nf4_error"] = float((bnb.functional.dequantize_4bit(q, s) - w).abs().mean())
except ImportError:
    pass
print(json.dumps(row))
"""


def gpu() -> Iterator[Finding]:
    """Tries the GPU in a child process, so that a broken driver cannot take this one down."""
    if importlib.util.find_spec("torch") is None:
        yield Finding("gpu", "missing", "torch is not installed", "pip install -r requirements.txt")
        return
    try:
        child = subprocess.run(
            [sys.executable, "-c", GPU_PROBE], capture_output=True, text=True, timeout=180, check=True
        )
        row = json.loads(child.stdout.strip().splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        last = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        yield Finding("gpu", "missing", "the probe failed", " ".join(last))
        return
    yield Finding("torch", "ok", f"{row['torch']}, CUDA {row['cuda']}")
    for number, card in enumerate(row["gpus"]):
        state: Literal["ok", "missing"] = "ok" if card["bf16"] else "missing"
        memory = f"{card['free_gb']:.0f} of {card['total_gb']:.0f} GB free"
        yield Finding(f"gpu {number}", state, f"{card['name']}, {memory}, bf16 multiply")
    if not row["gpus"]:
        yield Finding(
            "gpu", "optional", "no CUDA device", "only large models need one: the embedded one trains without"
        )
    if "nf4_error" in row:
        yield Finding("4-bit (nf4)", "ok", f"mean rounding error {row['nf4_error']:.3f}")
