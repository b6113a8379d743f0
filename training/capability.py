"""What this machine can train with: found by importing each library in a child process, so that a broken one shows.

    capability().gpus      what torch can really use, not what is plugged in
    python -m training.capability torch bitsandbytes     one JSON line for each library that was tried

That a package is installed says little: a torchvision for another torch, or a bitsandbytes without its library, is
found and then fails when it is imported, or takes the process down. Libraries are tried once per process; what others
hold of the GPUs, of the memory and of the disk is looked up anew each time (of the GPUs, where only torch tells it, at
most every TORCH_TELLS_S). Nothing is kept elsewhere.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from thud.errors import MissingPart, ThudError
from thud.providers.torchvision_shim import mend_torchvision

log = logging.getLogger(__name__)

NEEDED = ("torch", "torchvision", "transformers", "trl", "peft", "accelerate", "datasets")
OPTIONAL = ("bitsandbytes", "flash_attn", "deepspeed", "ray", "submitit")
LIMIT_S = 180.0
DRIVER, DRIVER_LIMIT_S = "nvidia-smi", 20.0
"""The program that comes with NVIDIA's driver: it tells of the GPUs' memory without taking any of it."""
TORCH_TELLS_S = 30.0
"""How long torch's word on what is free of the GPUs is kept: to ask it anew starts a child that takes seconds."""
_FAULTS = (ImportError, OSError, RuntimeError, ValueError, TypeError, AttributeError, LookupError, SyntaxError)
"""What libraries raise while they are imported; anything else ends the child, which is noted and gone on from."""
GB = 1e9
Vision = Literal["native", "shim", "absent"]
_told_by_torch: list[tuple[float, Sequence[Mapping[str, Any]]]] = []
"""Its last answer, if any, and when it came (seconds of the monotonic clock)."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU that torch can use. free_gb: now. compute: its generation, as "9.0". uuid: its own, "" = not told."""

    name: str
    free_gb: float
    total_gb: float
    compute: str
    bf16: bool
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class Capability:
    """What there is to train with. versions: of libraries that can be imported. problems: of the others, why not.

    cuda: the version that torch was built for, "" = none. four_bit: where bitsandbytes computes, "cuda", "cpu" or "".
    ram_gb, ram_free_gb: what this process may use, so at most what its container is allowed. gigaflops: of one core.
    """

    python: str
    versions: Mapping[str, str]
    problems: Mapping[str, str]
    cuda: str = ""
    gpus: tuple[Gpu, ...] = ()
    four_bit: str = ""
    torchvision: Vision = "absent"
    ram_gb: float = 0.0
    ram_free_gb: float = 0.0
    cores: int = 1
    load: float = 0.0
    gigaflops: float = 0.0
    disk_free_gb: float = 0.0

    @property
    def bf16(self) -> bool:
        """Whether all GPUs compute with 16-bit floats; False without a GPU."""
        return bool(self.gpus) and all(gpu.bf16 for gpu in self.gpus)

    def has(self, library: str) -> bool:
        return library in self.versions

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "bf16": self.bf16}


@functools.cache
def libraries() -> Mapping[str, Mapping[str, Any]]:
    """What `probe` says of all libraries that training knows, tried once per process."""
    return probe((*NEEDED, *OPTIONAL))


def capability(folder: Path = Path()) -> Capability:
    """What this machine has now. folder: whose disk is measured."""
    found = libraries()
    torch, bits, (ram, ram_free) = found["torch"], found["bitsandbytes"], ram_gb()
    return Capability(
        python=platform.python_version(),
        versions={name: row["version"] for name, row in found.items() if "version" in row},
        problems={name: row["problem"] for name, row in found.items() if "problem" in row},
        cuda=torch.get("cuda", ""),
        gpus=gpus_now(tuple(Gpu(**row) for row in torch.get("gpus", ()))),
        four_bit=bits.get("computes", ""),
        torchvision=found["torchvision"].get("kind", "absent"),
        ram_gb=ram,
        ram_free_gb=ram_free,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
        gigaflops=torch.get("gigaflops", 0.0),
        disk_free_gb=disk_free_gb(folder),
    )


def gpus_now(gpus: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """The same GPUs with what is free of them now. Where the driver's program does not tell, torch does, in a child;
    then it is what was free at most TORCH_TELLS_S ago."""
    if not gpus:
        return ()
    free = {row[0].removeprefix("GPU-"): as_number(row[1]) for row in driver_says("uuid,memory.free")}
    if all(free.get(gpu.uuid) is not None for gpu in gpus):
        return tuple(replace(gpu, free_gb=min(gpu.total_gb, (free[gpu.uuid] or 0.0) * 2**20 / GB)) for gpu in gpus)
    found = _gpus_of_torch()
    if len(found) != len(gpus):
        log.warning("What is free of the GPUs cannot be told now; what was free when they were found is taken.")
        return tuple(gpus)
    return tuple(Gpu(**row) for row in found)


def _gpus_of_torch() -> Sequence[Mapping[str, Any]]:
    """A row for each GPU as torch tells it, not older than TORCH_TELLS_S."""
    if not _told_by_torch or time.monotonic() - _told_by_torch[0][0] >= TORCH_TELLS_S:
        found = probe(("torch",))["torch"].get("gpus", ())
        _told_by_torch[:] = [(time.monotonic(), found)]
    return _told_by_torch[0][1]


def driver_says(fields: str, gpu: str = "") -> list[list[str]]:
    """What the driver's program says of those fields, a row for each GPU, or of the one with that number or uuid; sizes
    are in MiB. [] where it does not answer."""
    line = [DRIVER, f"--query-gpu={fields}", "--format=csv,noheader,nounits", *([f"--id={gpu}"] if gpu else [])]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=DRIVER_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        log.info("%s does not answer: %s", DRIVER, error)
        return []
    rows = [[word.strip() for word in each.split(",")] for each in done.stdout.splitlines()]
    return [row for row in rows if len(row) == fields.count(",") + 1]


def as_number(word: str) -> float | None:
    """A number of the driver's, None where it has none to tell ("[N/A]")."""
    try:
        return float(word)
    except ValueError:
        return None


def probe(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By library: version and facts, or the problem. One child tries them all; where it dies, the next goes on."""
    found: dict[str, dict[str, Any]] = {
        name: {"problem": "not installed"} for name in names if importlib.util.find_spec(name) is None
    }
    left = [name for name in names if name not in found]
    while left:
        told, problem = _child(left)
        found |= told
        left = [name for name in left if name not in told]
        if left and problem:
            found[left.pop(0)] = {"problem": problem}
    return {name: found[name] for name in names}


def _child(names: Sequence[str]) -> tuple[dict[str, dict[str, Any]], str]:
    """(what a child found until it ended, why it ended early)."""
    line = [sys.executable, "-m", "training.capability", *names]
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=LIMIT_S, env=environment, check=False)
        out, problem = done.stdout, f"importing it ended the process with code {done.returncode}"
    except subprocess.TimeoutExpired as error:
        told = error.stdout or b""
        out = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
        problem = f"importing it took longer than {LIMIT_S:.0f} s"
    rows = [json.loads(each) for each in out.splitlines() if each.startswith("{")]
    return {row.pop("library"): row for row in rows}, problem


def look(name: str) -> dict[str, Any]:
    """What importing a library in this very process tells: version and facts, or the problem in a line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            facts = _FACTS.get(name, _plain)(name)
    except (ThudError, *_FAULTS) as error:
        return {"problem": (str(error).strip().splitlines() or [type(error).__name__])[0][:200]}
    return {"version": _version(name), **facts}


def _plain(name: str) -> dict[str, Any]:
    importlib.import_module(name)
    return {}


def _torch(name: str) -> dict[str, Any]:
    torch = importlib.import_module(name)
    gpus = []
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(number)
        major, minor = torch.cuda.get_device_capability(number)
        row = {"name": torch.cuda.get_device_name(number), "free_gb": free / GB, "total_gb": total / GB}
        uuid = str(getattr(torch.cuda.get_device_properties(number), "uuid", ""))
        gpus.append({**row, "compute": f"{major}.{minor}", "bf16": major >= 8, "uuid": uuid})
    return {"cuda": torch.version.cuda or "", "gpus": gpus, "gigaflops": _gigaflops(torch)}


def _gigaflops(torch: Any, side: int = 512, times: int = 8) -> float:
    """Floating-point operations a second of one core, in billions: the best of a few products of two matrices."""
    torch.set_num_threads(1)
    matrix, best = torch.ones(side, side), float("inf")
    for _ in range(times):
        began = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - began)
    return round(2 * side**3 / best / 1e9, 1)


def _torchvision(_: str) -> dict[str, Any]:
    return {"kind": mend_torchvision()}


def _bitsandbytes(name: str) -> dict[str, Any]:
    devices = importlib.import_module(name).supported_torch_devices
    cuda = importlib.import_module("torch").cuda.is_available()
    return {"computes": "cuda" if cuda and "cuda" in devices else "cpu" if "cpu" in devices else ""}


def _beside_torchvision(name: str) -> dict[str, Any]:
    with contextlib.suppress(MissingPart):  # which is said of torchvision itself
        mend_torchvision()
    importlib.import_module("trl.trainer.dpo_trainer" if name == "trl" else name)
    return {}


_FACTS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "torch": _torch, "torchvision": _torchvision, "bitsandbytes": _bitsandbytes, "transformers": _beside_torchvision,
    "trl": _beside_torchvision, "peft": _beside_torchvision,
}  # fmt: skip


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(sys.modules.get(name), "__version__", "unknown"))


def ram_gb(proc: Path = Path("/proc/meminfo"), groups: Path = Path("/sys/fs/cgroup")) -> tuple[float, float]:
    """(memory that this process may use, what of it is free), in GB: the machine's, or its container's if less."""
    try:
        told = dict(re.findall(r"^(\w+):\s+(\d+) kB", proc.read_text("ascii"), re.M))
        total, free = int(told["MemTotal"]) * 1024, int(told["MemAvailable"]) * 1024
    except (OSError, KeyError):
        total = free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = int((groups / "memory.max").read_text("ascii"))
        used = int((groups / "memory.current").read_text("ascii"))
        spare = re.findall(r"^inactive_file (\d+)", (groups / "memory.stat").read_text("ascii"), re.M)
        total, free = min(total, limit), min(free, max(limit - used + int(spare[0]), 0))
    except (OSError, ValueError, IndexError):
        pass  # no container, or one without a limit ("max")
    return round(total / GB, 2), round(free / GB, 2)


def disk_free_gb(folder: Path) -> float:
    """Free space of the disk that `folder` is on, or would be."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return round(shutil.disk_usage(place).free / GB, 2)


def main(names: Sequence[str]) -> int:
    """Writes one JSON line for each library as soon as it was tried."""
    for name in names:
        row = look(name)
        sys.stdout.write(json.dumps({"library": name, **row}) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
