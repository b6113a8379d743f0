"""What a machine is found to have to train with."""

from __future__ import annotations

import json
import sys

from training.capability import capability, libraries, look, probe, ram_gb


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
