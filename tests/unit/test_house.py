"""The house stays clean: sizes, imports, and a README that names what exists."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = [
    path
    for folder in ("thud", "ui", "training", "tests")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".js", ".css") and "__pycache__" not in path.parts
] + [ROOT / "app.py"]
PYTHON = [path for path in CODE if path.suffix == ".py"]


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_over_500_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_function_over_60_lines(path: Path) -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, functions) and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert not long


def modules_after(statement: str) -> set[str]:
    code = f"{statement}; import sys; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    ["import thud", "import thud.cli", "import thud.runs.run, thud.store", "import thud.stimuli.build"],
)
def test_the_library_loads_neither_gradio_nor_torch(statement: str) -> None:
    assert not {"gradio", "torch", "moviepy"} & modules_after(statement)


def test_readme_names_what_exists() -> None:
    text = (ROOT / "README.md").read_text()
    named = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    named += re.findall(r"`((?:thud|ui|training|tests|docs)/[\w./-]*|[\w-]+\.(?:py|md|txt|toml))`", text)
    assert named
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


def test_readme_shows_its_two_commands_and_a_picture_at_once() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:30])
    assert "make run" in first_screen
    assert "make test" in first_screen
    assert ".png" in first_screen
