"""Whether a run can go: what the machine has, what a recipe needs, what the data says; each refusal has a next step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_omni import write_qwen25_omni
from tests.training.run_kit import make_export
from thud.errors import BadRequest, NotFound
from thud.pairs.lint.catalogue import CATALOGUE
from thud.pairs.pair import Shown
from thud.providers.local_load import quiet
from training import checks
from training.capability import Capability, Gpu
from training.config import ConfigError, TrainConfig
from training.effort import effort_of, operations_of, teraflops, weights_in
from training.exports import load_of_pair, loads_of, picture_tokens, read_export, spread
from training.memory import Load, Memory
from training.models import load_policy
from training.preflight import _words, check_config, check_recipe, main
from training.recipes import FOLDER, SIZES, command, find_recipe, read_recipe, recipes, shown
from training.shape import config_file, has_config, shape_of

CPU = Capability(
    "3.11", dict.fromkeys(["torch", "torchvision", "transformers", "trl", "peft", "accelerate", "datasets"], "1"), {},
    torchvision="native", four_bit="cpu", ram_gb=32, ram_free_gb=24, cores=4, gigaflops=50, disk_free_gb=2000,
)  # fmt: skip
H200 = Gpu("NVIDIA H200", 138.0, 141.0, "9.0", True)
GPUS = replace(
    CPU, cuda="13.0", gpus=(H200,) * 8, four_bit="cuda", versions={**CPU.versions, "deepspeed": "1"}, ram_gb=1000,
    ram_free_gb=900,
)  # fmt: skip
SMALL = {"fps": 4.0, "max_frames": 2, "size_px": 28}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    with quiet():
        return str(write_qwen25_omni(tmp_path_factory.mktemp("base") / "model"))


@pytest.fixture(scope="module")
def unlinted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_export(tmp_path_factory.mktemp("data"))


@pytest.fixture
def data(unlinted: Path) -> Iterator[Path]:
    """The export as one that the linter has passed; whatever a test writes into its manifest is undone."""
    path = unlinted / "manifest.json"
    before = path.read_text()
    write_manifest(unlinted, lint=[{"check": one.name, "title": one.title, "count": 0} for one in CATALOGUE])
    yield unlinted
    path.write_text(before)


def write_manifest(folder: Path, **more: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


def config(base: str, data: Path, **more: Any) -> TrainConfig:
    return TrainConfig("sft", base, data, Path("RUN"), **{**SMALL, **more})


def about(reasons: Any) -> list[tuple[str, str]]:
    return [(one.level, one.about) for one in reasons]


# Recipes


def test_every_recipe_says_its_command_and_its_assumptions():
    found = recipes()
    wanted = {"paper-sft", "paper-dpo-10k", "demo-sft", "demo-dpo", "fsdp2", "zero3"}
    assert wanted | {"qlora-one-gpu-sft", "qlora-one-gpu-dpo"} <= set(found)
    for recipe in found.values():
        assert recipe.run == shown(recipe.config)
        assert recipe.assumptions and all(one.endswith(".") for one in recipe.assumptions)
        assert recipe.sizes or recipe.config.base == "tiny"


def test_the_papers_recipes_are_the_papers():
    """Table 4 of the paper."""
    sft, dpo = find_recipe("paper-sft").config, find_recipe("paper-dpo-10k").config
    assert (sft.tuning, sft.epochs, sft.learning_rate, sft.rows_per_step) == ("full", 3.0, 2e-6, 32)
    assert (dpo.tuning, dpo.epochs, dpo.learning_rate, dpo.rows_per_step) == ("lora", 1.0, 1e-6, 64)
    assert (dpo.lora.rank, dpo.lora.alpha, dpo.lora.dropout) == (32, 64, 0.05)
    assert (dpo.loss.types, dpo.loss.beta) == (("sigmoid",), 0.1)
    assert (sft.weight_decay, dpo.weight_decay) == (0.01, 0.0)
    for one, pixels in ((sft, 501_760), (dpo, 250_880)):
        assert (one.scheduler, one.warmup, one.max_grad_norm, one.max_tokens) == ("cosine", 0.03, 1.0, 131_072)
        assert (one.world_size, one.parallel, one.precision) == (8, "zero3", "bf16")
        assert one.size_px * one.size_px * 9 / 16 == pytest.approx(pixels, rel=0.02)


def test_the_command_of_several_processes_goes_through_torchs_own_launcher():
    environment, words = command(find_recipe("fsdp2").config, "runs/7", "py")
    assert environment == {"OMP_NUM_THREADS": "8"}
    assert words == [
        "py", "-m", "torch.distributed.run", "--nproc-per-node", "4", "-m", "training.sft", "--config",
        "runs/7/config.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"learning_rat": 1}, "learning_rat is no field.*learning_rate"),
        ({"tuning": "most"}, "tuning is .most."),
    ],
)
def test_a_recipe_with_a_wrong_field_is_named(tmp_path, change, said):
    import yaml

    told = yaml.safe_load((FOLDER / "demo-sft.yaml").read_text())
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(told | {"config": told["config"] | change}))
    with pytest.raises(ConfigError, match=f"mine.yaml: {said}"):
        read_recipe(path)
    path.write_text(yaml.safe_dump({key: value for key, value in told.items() if key != "run"}))
    with pytest.raises(ConfigError, match="mine.yaml: run is missing"):
        read_recipe(path)
    path.write_text(yaml.safe_dump(told | {"sizes": "gpt"}))
    with pytest.raises(ConfigError, match="sizes is “gpt”; there are qwen"):
        read_recipe(path)
    path.write_text("- [")
    with pytest.raises(ConfigError, match="mine.yaml cannot be read"):
        read_recipe(path)


def test_a_recipe_that_is_not_there_is_refused_by_name():
    for name in ("nothing", SIZES.stem, "../tiny/x"):
        with pytest.raises(NotFound, match="There are: demo-dpo"):
            find_recipe(name)


@pytest.mark.parametrize("name", recipes())
def test_on_the_machine_it_is_made_for_a_recipe_goes(name):
    """All but the demo's, whose model may not be there yet; memory is estimated from published sizes."""
    recipe = find_recipe(name)
    found = check_recipe(recipe, GPUS if recipe.sizes else CPU)
    if recipe.sizes:
        assert (found.verdict, found.reasons) == ("ok", ())
        assert 8 < found.memory.total_gb < 80


# Libraries and devices


def test_what_is_missing_blocks_with_its_fix(base, data):
    lacking = replace(CPU, versions={"torch": "2"}, problems={"trl": "its own library is not there"}, four_bit="")
    reasons = list(checks.libraries(config(base, data, tuning="qlora"), lacking))
    assert [one.about for one in reasons if one.level == "blocked"] == [
        "torchvision", "transformers", "trl", "peft", "accelerate", "datasets", "bitsandbytes",
    ]  # fmt: skip
    assert "its own library is not there" in next(one.reason for one in reasons if one.about == "trl")
    assert all("pip install" in one.fix for one in reasons)
    zero = config(base, data, world_size=2, parallel="zero3")
    assert about(checks.libraries(zero, CPU)) == [("blocked", "deepspeed")]


def test_a_mended_torchvision_is_a_note_on_a_cpu_and_less_than_good_on_a_gpu(base, data):
    for able, level in ((CPU, "note"), (GPUS, "degraded")):
        reasons = checks.libraries(config(base, data), replace(able, torchvision="shim"))
        assert about(reasons) == [(level, "torchvision")]


def test_gpus_that_are_too_few_or_too_old_block(base, data):
    two = replace(GPUS, gpus=(H200, replace(H200, name="Tesla T4", bf16=False)))
    asked = config(base, data, world_size=4, parallel="ddp", precision="bf16")
    first, second = checks.devices(asked, two)
    assert (first.about, "world_size to 2" in first.fix) == ("gpus", True)
    assert "Tesla T4 does not compute with bf16" in second.reason


def test_without_a_gpu_only_what_a_cpu_can_do_goes(base, data):
    assert about(checks.devices(config("tiny", data), CPU)) == []
    assert about(checks.devices(config(base, data), CPU)) == [("degraded", "gpus")]
    (blocked,) = checks.devices(config(base, data, precision="bf16"), CPU)
    assert (blocked.level, "built without CUDA" in blocked.reason) == ("blocked", True)
    (blocked,) = checks.devices(config(base, data, world_size=2, parallel="fsdp2"), CPU)
    assert blocked.level == "blocked"
    assert about(checks.devices(config("tiny", data, threads=8), CPU)) == [("degraded", "threads")]


def needing(gigabytes: float, **more: Any) -> Memory:
    parts = dict.fromkeys(["gradients", "optimizer", "activations", "working", "inputs", "context"], 0.0)
    facts = {"trainable": 1, "parameters": 100, "four_bit": 90, **more}
    return Memory(weights=gigabytes * 1e9 / 1.06, **parts, **facts)


def test_memory_is_held_against_what_is_free(base, data):
    asked = config(base, data)
    free = replace(GPUS, gpus=(H200, replace(H200, free_gb=20.0, total_gb=20.0)))
    assert about(checks.memory(asked, free, needing(15))) == []
    assert about(checks.memory(asked, free, needing(19))) == [("degraded", "memory")]
    (reason,) = checks.memory(asked, free, needing(21))
    assert (reason.level, reason.fix) == ("blocked", "Set gradient_checkpointing to true.")
    small = replace(asked, gradient_checkpointing=True)
    (reason,) = checks.memory(small, free, needing(21))
    assert "qlora" in reason.fix
    two = replace(asked, world_size=2, parallel="ddp")
    assert about(checks.memory(two, replace(CPU, ram_free_gb=20.0), needing(11))) == [("blocked", "memory")]


def test_what_others_hold_of_a_gpu_now_is_waited_for(base, data):
    busy = replace(GPUS, gpus=(H200, replace(H200, free_gb=20.0)))
    (reason,) = checks.memory(config(base, data), busy, needing(50))
    assert reason.level == "degraded"
    assert "50.0 GB of the GPU are needed, and others hold 121.0 of its 141.0 GB now" in reason.reason
    assert about(checks.memory(config(base, data), busy, needing(150))) == [("blocked", "memory")]


def test_a_model_that_every_process_loads_whole_has_to_fit_into_the_machine():
    asked = find_recipe("fsdp2")
    assert check_recipe(asked, GPUS).memory.to_json()["loading"] == pytest.approx(143, abs=1)
    for able, levels in (
        (GPUS, []),
        (replace(GPUS, ram_free_gb=140), ["degraded"]),
        (replace(GPUS, ram_gb=140, ram_free_gb=130), ["blocked"]),
    ):
        reasons = [one for one in check_recipe(asked, able).reasons if one.about == "memory"]
        assert [one.level for one in reasons] == levels
        assert all("143" in one.reason.replace("142.9", "143") and "zero3" in one.fix for one in reasons)
    assert check_recipe(find_recipe("zero3"), replace(GPUS, ram_gb=140, ram_free_gb=130)).verdict == "ok", (
        "one reads it"
    )


def test_a_mixture_of_experts_in_4_bits_is_told_that_its_experts_are_not(base, data):
    reasons = checks.memory(config(base, data, tuning="qlora"), GPUS, needing(1, four_bit=10))
    assert about(reasons) == [("degraded", "four_bit")]


def test_a_disk_without_room_for_the_checkpoints_blocks(base, data):
    asked = config(base, data)
    assert about(checks.disk(asked, replace(CPU, disk_free_gb=7.5), 2e9, 1e9)) == [("blocked", "disk")]
    assert about(checks.disk(asked, replace(CPU, disk_free_gb=8.5), 2e9, 1e9)) == []
    seldom = replace(asked, save_every=0)
    assert about(checks.disk(seldom, replace(CPU, disk_free_gb=4.5), 2e9, 1e9)) == []
    assert about(checks.disk(seldom, replace(CPU, disk_free_gb=3.5), 2e9, 1e9)) == [("blocked", "disk")]


# The data


def test_a_clean_export_on_this_machine_goes(base, data):
    found = check_config(config(base, data), CPU)
    assert about(found.reasons) == [("degraded", "gpus")]
    assert found.verdict == "degraded"
    export = read_export(data)
    assert (export.stage, export.rows, export.validation, export.changed) == ("dpo", 12, 6, ())
    assert found.effort.steps == 12 and found.effort.rows == 12
    assert found.memory.total_gb < 0.1
    json.dumps(found.to_json(), default=str)


def test_pairs_that_no_linter_has_seen_block_until_that_is_waived(base, unlinted):
    asked = config(base, unlinted)
    assert ("blocked", "lint") in about(check_config(asked, CPU).reasons)
    assert ("blocked", "lint") not in about(check_config(asked, CPU, {checks.NEVER_LINTED}).reasons)


def test_findings_stand_in_the_way_until_each_is_waived_by_name(base, data):
    found = {"letter_prior": "The right letter can be guessed", "balance": "Conditions are not balanced"}
    write_manifest(data, waived=[{"check": name, "title": title, "count": 3} for name, title in found.items()])
    asked, export = config(base, data), read_export(data)
    reasons = list(checks.data(asked, export, 0, set()))
    assert [(one.level, one.waive) for one in reasons] == [("blocked", "letter_prior"), ("degraded", "balance")]
    assert about(checks.data(asked, export, 0, {"letter_prior"})) == [("degraded", "lint")]
    assert about(checks.data(asked, export, 0, set(found))) == []


def test_files_that_changed_or_went_after_the_export_block(base, data):
    rows = data / "train.jsonl"
    before = rows.read_text()
    try:
        rows.write_text("".join(before.splitlines(keepends=True)[:-1]))
        reasons = list(checks.data(config(base, data), read_export(data), 0, set()))
        assert about(reasons) == [("blocked", "data")] and "train.jsonl" in reasons[0].reason
    finally:
        rows.write_text(before)
    sound = sorted((data / "media" / "sounds").iterdir())[0]
    moved = sound.rename(data / "elsewhere")
    try:
        assert read_export(data).changed == (sound.relative_to(data).as_posix(),)
    finally:
        moved.rename(sound)


def test_rows_longer_than_allowed_and_the_wrong_stage_block(base, data):
    export = read_export(data)
    assert about(checks.data(config(base, data, max_tokens=10), export, 11, set())) == [("blocked", "data")]
    only_sft = replace(export, stage="sft", validation=0)
    asked = replace(config(base, data), stage="dpo")
    assert about(checks.data(asked, only_sft, 0, set())) == [("blocked", "data"), ("degraded", "data")]


def test_a_folder_without_rows_and_a_base_that_is_none_are_reasons_and_no_crash(base, data, tmp_path):
    found = check_config(config(str(tmp_path), tmp_path), CPU)
    assert found.verdict == "blocked"
    told = {one.about: one.reason for one in found.reasons if one.level == "blocked"}
    assert "no config.json" in told["base"] and "no train.jsonl" in told["data"]
    assert found.memory is None and found.effort is None


# Tokens and time


def test_tokens_of_a_row_are_those_that_the_model_is_fed(base, data):
    asked = config(base, data, fps=4.0, max_frames=8, size_px=56)
    export = read_export(data)
    policy = load_policy(asked)
    from thud.providers.transformers import Seen

    pair = export.sample[0]
    fed = policy.feeder.feed(Seen(pair.prompt, pair.shown.video, pair.shown.sound, 4.0, 8, 56))
    _, longest = loads_of(export, asked, "qwen2.5-omni")
    assert (longest.video, longest.audio) == (fed.tokens["video"], fed.tokens["audio"])
    deaf, _ = loads_of(export, asked, "qwen2.5-omni", hears=False)
    assert deaf.audio == 0 < deaf.video


def test_media_that_cannot_be_read_are_a_reason_and_no_zero(base, data):
    clip = next(path for path in sorted(data.rglob("*.mp4")) if path.name in (data / "train.jsonl").read_text())
    before = clip.read_bytes()
    try:
        clip.write_bytes(b"no clip at all")
        found = check_config(config(base, data), CPU)
    finally:
        clip.write_bytes(before)
    (said,) = (one.reason for one in found.reasons if (one.level, one.about) == ("blocked", "data"))
    assert clip.name in said and said.endswith("Export the set again.")
    assert found.load is None and found.memory is None and found.effort is None
    gone = replace(read_export(data).sample[0], shown=Shown("gone.mp4", ""))
    with pytest.raises(BadRequest, match="does not exist"):
        load_of_pair(gone, config(base, data), "qwen3-omni")


def test_a_pair_that_is_only_heard_has_the_tokens_of_its_sound(base, data):
    pair, asked = read_export(data).sample[0], config(base, data)
    seen, heard = (load_of_pair(replace(pair, shown=Shown(video, pair.shown.sound)), asked, "qwen2.5-omni")
                   for video in (pair.shown.video, ""))  # fmt: skip
    assert heard.video == 0 and heard.audio == seen.audio > 0


def test_of_a_family_that_is_not_known_it_is_said_whose_arithmetic_is_used(base, data):
    assert about(checks.tokens("smolvlm")) == [("note", "tokens")]
    assert not [*checks.tokens("qwen2_5_omni_thinker"), *checks.tokens("qwen3_vl"), *checks.tokens("")]


def test_the_folder_of_a_base_may_begin_at_home(base, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(Path(base).parent))
    assert has_config("~/model") and has_config(base) and not has_config(str(tmp_path))
    assert config_file("~/model") == Path(base) / "config.json"
    assert config_file("tiny").parent.name == "checkpoint"


def test_pictures_are_counted_as_they_are_sampled():
    asked = config("tiny", Path("data"), fps=2.0, max_frames=7, size_px=448)
    assert picture_tokens(1280, 720, 2.0, asked, "qwen2.5-omni") == 2 * 16 * 9
    assert picture_tokens(1280, 720, 60.0, asked, "qwen2.5-omni") == 3 * 16 * 9  # six of at most seven pictures
    assert picture_tokens(1280, 720, 2.0, asked, "qwen3-omni") == 2 * 14 * 8
    assert picture_tokens(0, 0, 2.0, asked, "qwen3-omni") == 0


def test_the_sample_is_spread_evenly():
    assert spread(3, 24) == [0, 1, 2]
    assert spread(100, 5) == [0, 25, 50, 74, 99]


def test_operations_are_two_a_weight_and_token_and_direction(base):
    asked = TrainConfig("sft", base, Path("d"), Path("o"), batch_size=3)
    shape, load = shape_of(base, ("language",)), Load(text=100)
    weights = weights_in(shape.language)
    linear = sum(
        module.weight.numel()
        for name, module in load_policy(asked).model.named_modules()
        if "language_model" in name and name.endswith("base_layer")
    )
    assert weights == linear
    assert operations_of(asked, shape, load) == 3 * 100 * weights * 4
    assert operations_of(replace(asked, gradient_checkpointing=True), shape, load) == 3 * 100 * weights * 6
    assert operations_of(replace(asked, tuning="full"), shape, load) == 3 * 100 * weights * 6
    assert operations_of(replace(asked, stage="dpo"), shape, load) == 3 * 2 * 100 * weights * 6


def test_hours_follow_from_operations_and_the_machine(base):
    asked = TrainConfig("sft", base, Path("d"), Path("o"), batch_size=2, epochs=2.0)
    shape, load = shape_of(base, ("language",)), Load(video=100, audio=50, text=10, answer=5)
    half = replace(asked, precision="bf16")
    slow, fast = effort_of(asked, shape, load, 100, CPU), effort_of(half, shape, load, 100, GPUS)
    assert slow.steps == 100 and slow.rows == 200 and slow.tokens == Load(20_000, 10_000, 2_000, 1_000)
    assert slow.hours == pytest.approx(slow.operations / (50e9 * 0.5) / 3600)
    assert "H200" in fast.assumes and fast.hours < slow.hours
    whole = effort_of(asked, shape, load, 100, GPUS)
    assert whole.hours is None and "precision is fp32" in whole.assumes, "it is not as fast as with 16 bits"
    mixed = replace(GPUS, gpus=(H200, replace(H200, name="NVIDIA RTX A4000")))
    unlisted = effort_of(half, shape, load, 100, mixed)
    assert unlisted.hours is None and unlisted.assumes == "The speed of NVIDIA RTX A4000 is not listed."


@pytest.mark.parametrize(
    ("name", "speed"),
    [
        ("NVIDIA A40", 150.0), ("NVIDIA RTX A4000", None), ("NVIDIA L4", 121.0), ("NVIDIA L40", None),
        ("NVIDIA L40S", 362.0), ("NVIDIA A100-SXM4-80GB", 312.0), ("Tesla T4", 65.0), ("Quadro RTX 6000", None),
        ("NVIDIA RTX 6000 Ada Generation", 364.0), ("NVIDIA RTX A6000", 155.0), ("Something new", None),
    ],
)  # fmt: skip
def test_a_gpu_is_known_by_whole_words_of_its_name(name, speed):
    assert teraflops(name) == speed


def test_a_time_that_nobody_knows_is_no_time_of_0_minutes(base, data):
    found = check_config(config(base, data), GPUS)
    (line,) = (line for line in _words(GPUS, [found]) if " steps, " in line)
    assert "12 steps, how long is not known. Speeds of GPUs" in line
    json.dumps(found.to_json(), default=str)


# The commands


def test_the_command_answers_for_one_config_as_json(base, data, tmp_path, capsys):
    path = tmp_path / "config.json"
    told = {"stage": "sft", "base": base, "data": str(data), "output": str(tmp_path / "run"), **SMALL}
    path.write_text(json.dumps(told))
    assert main(["--config", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (plan,) = answer["plans"]
    assert plan["verdict"] in ("ok", "degraded") and plan["memory"]["total"] > 0 and plan["tokens"]["all"] > 0
    assert plan["command"].endswith(f"-m training.sft --config {tmp_path / 'run'}/config.json")
    assert answer["capability"]["versions"]["torch"]
    write_manifest(data, lint=[])
    assert main(["--config", str(path), "--json"]) == 1
    capsys.readouterr()
    path.write_text('{"stage": "sft"}')
    assert main(["--config", str(path)]) == 2
    assert "base is missing" in capsys.readouterr().err


def test_the_command_answers_for_recipes_in_words(base, data, capsys):
    assert main(["--recipe", "demo-sft", "--base", base, "--data", str(data), "--recipe", "paper-sft"]) == 1
    out = capsys.readouterr().out
    assert "demo-sft" in out and "120 steps, about" in out
    assert "blocked   paper-sft" in out and "blocked: " in out
    assert main(["--recipe", "nothing"]) == 2
    assert "There are: demo-dpo" in capsys.readouterr().err
