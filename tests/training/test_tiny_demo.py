"""What is asked, what is taught and what the small model was made for are the same words, in three places."""

from __future__ import annotations

from pathlib import Path

import pytest

from thud.errors import BadRequest
from thud.listeners import local
from thud.listeners.local import folder_of, model_of
from thud.listeners.questions import DEMO, QUESTION_SETS
from thud.listeners.roster import LISTENERS, parse_listener, to_json
from thud.pairs.families import family
from thud.pairs.recipe import shipped
from training.models import TINY_FOLDER, base_folder
from training.recipes import find_recipe
from training.tiny.words import DELAYED, EARLY, SILENT, SYNCED, questions

TINY = LISTENERS["tiny"]


def test_the_demo_asks_what_the_model_knows() -> None:
    assert DEMO.about("sync")[0].text == questions("relate")[0]
    for task in ("existence", "consistency"):
        assert DEMO.about(task) == QUESTION_SETS["direct"].about(task)


def test_pairs_teach_its_own_words() -> None:
    its = family("relate")
    asked = {one.text for one in its.questions}
    assert asked <= {*questions("relate"), *questions("sync")} and questions("relate")[0] in asked
    assert its.registers == {"short": ({"synced": SYNCED, "early": EARLY, "delayed": DELAYED, "muted": SILENT},)}


def test_the_listener_and_the_trainer_take_the_same_folder_and_show_the_same() -> None:
    assert Path(folder_of(TINY)) == TINY_FOLDER == Path(base_folder("tiny"))
    for name in ("demo-sft", "demo-dpo"):
        config = find_recipe(name).config
        assert (config.base, config.stage) == ("tiny", shipped()[name].stage)
        assert (config.fps, config.max_frames, config.size_px) == (TINY.fps, TINY.max_frames, TINY.width)


def test_its_weights_are_its_key_and_an_adapter_is_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert parse_listener(to_json(TINY)) == TINY
    assert TINY.key() == parse_listener({**to_json(TINY), "model": str(TINY_FOLDER)}).key(), "wherever it lies"
    (tmp_path / "adapter_config.json").write_text("{}")
    taught = parse_listener({**to_json(TINY), "name": "taught", "adapter": str(tmp_path)})
    assert taught.key() != TINY.key() and model_of(taught).adapter == str(tmp_path)
    monkeypatch.setattr(local, "TINY_FOLDER", tmp_path / "gone")
    with pytest.raises(BadRequest, match="The model tiny is not in"):
        TINY.key()
