"""Weights of models on this machine: adapters really in use, 4 bits, names of weights, and verdicts. Tiny models."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_omni import (
    renamed_adapter,
    write_adapter,
    write_qwen25_omni,
    write_whole_omni,
)
from tests.unit import local_kit
from tests.unit.local_kit import TOKENS, shown
from thud.errors import BadRequest, MissingPart
from thud.providers.local_load import quiet
from thud.providers.transformers import LocalModel, close_model, open_model, probe_local, weights_id

models, clips = local_kit.models, local_kit.clips

# Weights


def test_adapter_is_in_use(models, clips):
    base = LocalModel(models("qwen25"))
    bare = open_model(base).option_scores(shown(clips["a"]), ["Yes"])[0]
    plain = open_model(base).answer([shown(clips["a"])], TOKENS)[0]
    opened = open_model(replace(base, adapter=models.adapter()))
    assert abs(opened.option_scores(shown(clips["a"]), ["Yes"])[0] - bare) > 0.05
    heard = opened.answer([shown(clips["a"])], TOKENS)[0]
    assert heard.text != plain.text and heard.model_echo == f"{plain.model_echo} + adapter"
    with opened._model.disable_adapter(), quiet():
        assert opened.option_scores(shown(clips["a"]), ["Yes"])[0] == pytest.approx(bare, abs=1e-5)


def test_adapter_gives_what_its_weights_merged_into_the_base_give(models, clips):
    opened = open_model(LocalModel(models("qwen25"), models.adapter()))
    asked = shown(clips["b"])
    woven = opened.option_scores(asked, ["The sound comes late."])[0]
    opened._model.merge_adapter()
    try:
        assert opened.option_scores(asked, ["The sound comes late."])[0] == pytest.approx(woven, abs=1e-3)
    finally:
        opened._model.unmerge_adapter()


def test_adapter_that_does_not_fit_or_does_nothing_is_refused(models, tmp_path):
    wide = write_qwen25_omni(tmp_path / "wide", hidden=96)
    model = LocalModel(str(wide), models.adapter())
    with pytest.raises(BadRequest, match="was made for another model than .*wide: .*size mismatch"):
        open_model(model)
    verdict, sentence = probe_local(model)
    assert verdict == "blocked" and "takes 64 values, and the base has" in sentence
    with pytest.raises(BadRequest, match="was made for another model"):
        open_model(LocalModel(models("vl3"), str(renamed_adapter(tmp_path / "renamed", Path(models.adapter())))))
    idle = write_adapter(tmp_path / "idle", Path(models("qwen25")), strength=0.0)
    with pytest.raises(BadRequest, match="changes nothing"):
        open_model(LocalModel(models("qwen25"), str(idle)))
    with pytest.raises(BadRequest, match="no adapter_config.json"):
        open_model(LocalModel(models("qwen25"), str(tmp_path)))


def test_adapter_with_a_weight_that_finds_no_place_is_refused(models, tmp_path):
    renamed = renamed_adapter(tmp_path / "renamed", Path(models.adapter()))
    with pytest.raises(BadRequest, match="have no place in this"):
        open_model(LocalModel(models("qwen25"), str(renamed)))


def test_what_is_no_adapter_is_refused_before_the_base_is_loaded(tmp_path):
    (tmp_path / "config.json").write_text("no settings")
    with pytest.raises(BadRequest, match="no adapter_config.json"):
        open_model(LocalModel(str(tmp_path), str(tmp_path)))


def test_whole_omni_answers_with_its_thinker(models, clips, tmp_path):
    thinker = Path(models("qwen25"))
    alone = open_model(LocalModel(str(thinker))).answer([shown(clips["a"])], TOKENS)[0]
    whole = open_model(LocalModel(str(write_whole_omni(tmp_path / "whole", thinker))))
    assert whole.answer([shown(clips["a"])], TOKENS)[0].text == alone.text
    adapted = open_model(LocalModel(str(tmp_path / "whole"), models.adapter()))
    assert adapted.answer([shown(clips["a"])], TOKENS)[0].text != alone.text


def test_checkpoint_that_lacks_weights_is_refused(models, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "holes"
    shutil.copytree(models("qwen25"), folder)
    weights = load_file(folder / "model.safetensors")
    weights.pop("audio_tower.layers.0.fc1.weight")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadRequest, match=r"lacks 1 of the model's weights.*audio_tower.layers.0.fc1"):
        open_model(LocalModel(str(folder)))


@pytest.mark.parametrize("name", ["qwen25"])
def test_four_bits_and_half_the_bits_answer_nearly_as_the_whole(models, clips, name):
    asked = [shown(clips["a"]), shown(clips["b"], "Late?")]
    whole = open_model(LocalModel(models(name))).option_scores(asked[0], ["Yes"])[0]
    for model in (LocalModel(models(name), four_bit=True), LocalModel(models(name), dtype="bfloat16")):
        opened = open_model(model)
        score = opened.option_scores(asked[0], ["Yes"])[0]
        assert score != whole and score == pytest.approx(whole, abs=3.0)
        assert [heard.outcome for heard in opened.answer(asked, TOKENS)].count("rejected") == 0
    four = open_model(LocalModel(models(name), models.adapter(), four_bit=True))
    kinds = {type(module).__name__ for module in four._core.model.language_model.modules()}
    assert any("4bit" in kind for kind in kinds)
    assert not any("4bit" in type(module).__name__ for module in four._core.model.audio_tower.modules())
    assert four.answer(asked, TOKENS)[0].problem.startswith(("", "The answer was cut"))


# Names and verdicts


def test_weights_id_follows_the_weights_not_the_folder(models, tmp_path):
    model = LocalModel(models("qwen25"), models.adapter())
    known = weights_id(model)
    shutil.copytree(model.path, tmp_path / "moved")
    shutil.copytree(model.adapter, tmp_path / "moved-adapter")
    moved = LocalModel(str(tmp_path / "moved"), str(tmp_path / "moved-adapter"))
    (tmp_path / "moved-adapter" / "trainer_state.json").write_text("{}")
    (tmp_path / "moved" / "README.md").write_text("words")
    assert weights_id(moved) == known
    assert weights_id(replace(moved, adapter="")) != known
    _bump(tmp_path / "moved-adapter" / "adapter_model.safetensors", -3)
    assert weights_id(moved) != known
    known = weights_id(moved)
    _bump(tmp_path / "moved" / "model.safetensors", -3)
    assert weights_id(moved) != known
    with pytest.raises(BadRequest, match="There is no folder"):
        weights_id(LocalModel(str(tmp_path / "none")))


def test_weights_id_sees_one_changed_tensor_in_a_big_file(tmp_path):
    from safetensors.numpy import save_file

    tensors = {f"layers.{k}.weight": np.full((1000, 1500), k, np.float32) for k in range(4)}
    (tmp_path / "config.json").write_text("{}")
    save_file(tensors, tmp_path / "model.safetensors")
    known = weights_id(LocalModel(str(tmp_path)))
    assert weights_id(LocalModel(str(tmp_path))) == known
    save_file(tensors | {"layers.2.weight": tensors["layers.2.weight"] + 1}, tmp_path / "model.safetensors")
    assert weights_id(LocalModel(str(tmp_path))) != known


def _bump(file: Path, place: int) -> None:
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(bytes(data))


def test_probe_says_what_is_wrong_and_what_to_do(models, tmp_path):
    assert probe_local(LocalModel(models("qwen3"))) == ("ok", "qwen3 can be opened.")
    assert probe_local(LocalModel(models("qwen25"), models.adapter()))[0] == "ok"
    folder = tmp_path / "model"
    blocked = {"no folder": probe_local(LocalModel(str(folder)))}
    folder.mkdir()
    blocked["no config.json"] = probe_local(LocalModel(str(folder)))
    blocked["give its base model"] = probe_local(LocalModel(models.adapter()))
    (folder / "config.json").write_text("{")
    blocked["cannot be read"] = probe_local(LocalModel(str(folder)))
    (folder / "config.json").write_text('{"model_type": "llama"}')
    blocked["of the family “llama”"] = probe_local(LocalModel(str(folder)))
    (folder / "config.json").write_text('{"model_type": "minicpmo", "auto_map": {}}')
    blocked["trust_remote_code"] = probe_local(LocalModel(str(folder)))
    (folder / "config.json").write_text('{"model_type": "qwen3_omni_moe"}')
    blocked["holds no weights"] = probe_local(LocalModel(str(folder)))
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-1-of-2.safetensors"}}')
    blocked["download was not finished"] = probe_local(LocalModel(str(folder)))
    blocked["no adapter_config.json"] = probe_local(LocalModel(models("qwen25"), str(folder)))
    (folder / "model-1-of-2.safetensors").write_bytes(b"torn")
    blocked["damaged"] = probe_local(LocalModel(str(folder), models.adapter()))
    for words, (verdict, sentence) in blocked.items():
        assert verdict == "blocked" and words in sentence
    with (folder / "model-1-of-2.safetensors").open("wb") as file:
        file.truncate(10**13)  # a file of holes
    verdict, sentence = probe_local(LocalModel(str(folder)))
    assert verdict == "blocked" and "of memory" in sentence and "4 bits" in sentence


def test_probe_warns_of_an_adapter_that_names_another_base(models, tmp_path):
    folder = tmp_path / "adapter"
    shutil.copytree(models.adapter(), folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": "Qwen/Other-7B"}))
    verdict, sentence = probe_local(LocalModel(models("qwen25"), str(folder)))
    assert verdict == "degraded" and "Qwen/Other-7B" in sentence


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (LocalModel("/nowhere/at/all"), "There is no folder"),
        (LocalModel("/tmp"), "no config.json"),
        (LocalModel("/tmp", dtype="int3"), "no number format"),
    ],
)
def test_a_folder_that_is_no_model_is_refused(model, words):
    with pytest.raises(BadRequest, match=words):
        open_model(model)


def test_torn_weights_and_absent_gpu_are_told(models, tmp_path):
    import torch

    shutil.copytree(models("qwen25"), tmp_path / "torn")
    (tmp_path / "torn" / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(BadRequest, match="cannot be loaded as a model"):
        open_model(LocalModel(str(tmp_path / "torn")))
    if not torch.cuda.is_available():
        with pytest.raises(BadRequest, match="No GPU"):
            open_model(LocalModel(models("qwen25"), device="cuda"))


def test_without_torch_the_sentence_says_what_to_install(models, monkeypatch):
    folder = models("qwen25")
    close_model()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingPart, match=r"need torch and transformers. Run: pip install -r requirements.txt"):
        open_model(LocalModel(folder))


def test_nothing_heavy_is_imported_before_a_model_is_opened(models):
    code = (
        "import sys; from thud.providers.transformers import LocalModel, probe_local, weights_id;"
        f"m = LocalModel({models('qwen25')!r}); print(probe_local(m)[0]); weights_id(m);"
        "print(sorted({'torch', 'transformers', 'peft', 'torchvision'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["ok", "[]"] and done.stderr == ""
