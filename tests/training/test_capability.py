"""What a machine is found to have to train with."""

from __future__ import annotations

import json
import os
import sys

from training import capability as looked
from training.capability import Gpu, capability, gpus_now, libraries, look, probe, ram_gb


def test_libraries_are_tried_by_importing_them_elsewhere(tmp_path, monkeypatch):
    """One that is broken, one that ends the process, and one that is absent do not hide the others."""
    (tmp_path / "breaks_here.py").write_text("raise ImportError('its own library is not there')")
    (tmp_path / "kills_here.py").write_text("import os; os._exit(9)")
    (tmp_path / "works_here.py").write_text("__version__ = '7.1'")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = probe(["breaks_here", "kills_here", "not_here_at_all", "works_here"])
    assert found == {
        "breaks_here": {"problem": "its own library is not there"},
        "kills_here": {"problem": "importing it ended the process with code 9"},
        "not_here_at_all": {"problem": "not installed"},
        "works_here": {"version": "7.1"},
    }
    assert not {"breaks_here", "kills_here", "works_here"} & set(sys.modules)


def test_this_machine_is_described(tmp_path):
    able = capability(tmp_path)
    assert libraries() is libraries()  # tried once
    assert able.has("torch") and able.has("trl") and able.torchvision in ("native", "shim")
    assert 0 < able.ram_free_gb <= able.ram_gb and able.cores >= 1 and able.gigaflops > 0.1
    assert json.loads(json.dumps(able.to_json()))["bf16"] == able.bf16


def test_what_is_free_of_a_gpu_is_looked_up_each_time(tmp_path, monkeypatch):
    """By the driver's program, which knows every GPU, for those that torch may use, in whatever order."""
    driver = tmp_path / "nvidia-smi"
    driver.write_text(f"#!/bin/sh\necho GPU-b, $(cat {tmp_path}/free)\necho GPU-x, 7\necho GPU-a, 20000\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    gpus = tuple(Gpu("H200", 99.0, 141.0, "9.0", True, uuid) for uuid in "ab")
    for free, gb in (("1000", 1.05), ("100000", 104.86), ("900000", 141.0)):
        (tmp_path / "free").write_text(free)
        assert [round(gpu.free_gb, 2) for gpu in gpus_now(gpus)] == [20.97, gb]


def test_where_the_driver_does_not_tell_a_gpu_torch_is_asked_after_a_while(tmp_path, monkeypatch):
    """A torch that finds one GPU, with less free each time; then none any more, which is no news of its memory."""
    clock = [1000.0]
    monkeypatch.setattr(looked.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(looked, "_told_by_torch", [])
    driver, count = tmp_path / "nvidia-smi", tmp_path / "count"
    driver.write_text("#!/bin/sh\necho GPU-a, '[N/A]'\n")
    driver.chmod(0o755)
    (tmp_path / "torch.py").write_text(FAKE_TORCH.format(count=str(count)))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.syspath_prepend(str(tmp_path))
    count.write_text("xxx")
    gpus = (Gpu("H200", 99.0, 141.0, "9.0", True, "a"),)
    assert [gpu.free_gb for gpu in gpus_now(gpus)] == [3.0]
    count.write_text("x")
    clock[0] += looked.TORCH_TELLS_S - 1
    assert [gpu.free_gb for gpu in gpus_now(gpus)] == [3.0], "it was asked again at once"
    clock[0] += 1
    assert [gpu.free_gb for gpu in gpus_now(gpus)] == [1.0]
    count.write_text("")
    clock[0] += looked.TORCH_TELLS_S
    assert gpus_now(gpus) == gpus and gpus_now(()) == ()


FAKE_TORCH = """
__version__ = "9"
class version: cuda = "13.0"
class cuda:
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: bool(open({count!r}).read()))
    mem_get_info = staticmethod(lambda _: (len(open({count!r}).read()) * 10**9, 141 * 10**9))
    get_device_capability = staticmethod(lambda _: (9, 0))
    get_device_name = staticmethod(lambda _: "H200")
    get_device_properties = staticmethod(lambda _: None)
def set_num_threads(_): pass
class ones:
    def __init__(self, *_): pass
    def __matmul__(self, _): pass
"""


def test_memory_is_that_of_the_container_where_there_is_a_limit(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 32000000 kB\nMemAvailable: 16000000 kB\n")
    assert ram_gb(tmp_path / "meminfo", tmp_path) == (32.77, 16.38)
    for name, text in (("max", "8000000000"), ("current", "5000000000"), ("stat", "anon 1\ninactive_file 1000000000")):
        (tmp_path / f"memory.{name}").write_text(text)
    assert ram_gb(tmp_path / "meminfo", tmp_path) == (8.0, 4.0)
    (tmp_path / "memory.max").write_text("max")
    assert ram_gb(tmp_path / "meminfo", tmp_path) == (32.77, 16.38)


def test_looking_at_a_library_gives_its_version():
    assert look("json")["version"] == "2.0.9"
