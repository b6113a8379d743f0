"""What is taken out of a run: a clean adapter, a merged model, a card with true figures; and the way to a hub."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants

from tests.tiny_omni import write_qwen25_omni
from tests.training.run_kit import config as run_config
from tests.training.run_kit import make_export, write_config
from thud.errors import BadRequest, MissingPart, NotFound, RunFailed
from thud.evaluation.handover.folder import HASHES
from thud.providers.local_load import quiet
from thud.providers.transformers import LocalModel, Opened, Seen
from thud.runs.job import CannotGoOn
from thud.runs.jobs import train_export
from training import checkpoints, export
from training.account import write_round
from training.config import parse_config
from training.export import export_adapter, main, may_push, merge, metrics_table, push
from training.journal import Journal
from training.models import load_policy, write_made_for

TOKEN = "hf_secretsecretsecret"
HELD = {
    "before": {"step": 0, "accuracy": {"all": 0.25, "synced": 1.0}, "n": {"all": 40, "synced": 10}},
    "after": {
        "step": 4, "accuracy": {"all": 0.875, "synced": 0.8, "delayed": 0.9},
        "n": {"all": 40, "synced": 10, "delayed": 30},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run as DPO leaves it: the adapter (which changes something), the frozen copy, checkpoints, its metrics."""
    root = tmp_path_factory.mktemp("run")
    with quiet():
        base = write_qwen25_omni(root / "some-base-7B")
    data = make_export(root)
    told = run_config(base, data, root / "made", stage="dpo", lora={"rank": 2, "alpha": 8, "dropout": 0.0})
    folder = write_config(told).parent
    model = load_policy(parse_config(told)).model
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "lora_B" in name:
                tensor.add_(0.2)
    model.add_adapter("ref", model.peft_config["default"])
    model.save_pretrained(folder / "adapter")
    assert (folder / "adapter" / "ref").is_dir()
    write_made_for(folder / "adapter", str(base))
    (folder / "adapter" / "optimizer.pt").write_bytes(b"state")
    write_round(folder / "adapter", 4, HELD["after"])
    journal = Journal(folder / "metrics.jsonl", io.StringIO())
    journal.write("begin", from_step=0, of=6, rows=12, data="d" * 64)
    journal.write("held_out", loss=1.0, **HELD["before"])
    journal.write("step", step=6, of=6, loss=1.0, seconds=0.1, tokens=10)
    journal.write("alert", what="displacement", step=6, sentence="The chosen answers have become less likely.")
    return folder


def answer(base: Path | str, adapter: str, data: Path) -> str:
    row = json.loads((data / "train.jsonl").read_text().splitlines()[0])
    with quiet():
        opened = Opened(LocalModel(str(base), adapter, dtype="float32"))
    video, sound = data / row["videos"][0], data / row["audios"][0]
    return opened.answer([Seen("What is heard?", str(video), str(sound), 4.0, 2, 28)], 12)[0].text


def test_the_adapter_comes_out_clean_and_answers_as_in_the_run(run, tmp_path):
    out = export_adapter(run, tmp_path / "out")
    names = {path.name for path in out.iterdir()}
    assert names == {"adapter_config.json", "adapter_model.safetensors", "made_for.json", "README.md", HASHES}
    same = (out / "adapter_model.safetensors").read_bytes() == (
        run / "adapter" / "adapter_model.safetensors"
    ).read_bytes()
    assert same
    told = json.loads((out / "adapter_config.json").read_text())
    assert told["base_model_name_or_path"] == "some-base-7B"
    for path in out.iterdir():
        assert str(run.parent).encode() not in path.read_bytes(), path
    base, data = run.parent / "some-base-7B", run.parent / "export"
    plain, adapted = answer(base, "", data), answer(base, str(run / "adapter"), data)
    assert plain != adapted == answer(base, str(out), data)


def test_hashes_of_an_export_are_those_of_its_files(run, tmp_path):
    out = export_adapter(run, tmp_path / "out")
    lines = dict(reversed(line.split("  ", 1)) for line in (out / HASHES).read_text().splitlines())
    assert lines == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir() if path.name != HASHES
    }


def test_merged_the_model_answers_alone_as_with_its_adapter(run, tmp_path):
    out = merge(run, tmp_path / "out")
    data, base = run.parent / "export", run.parent / "some-base-7B"
    assert answer(out, "", data) == answer(base, str(run / "adapter"), data)
    assert not (out / "adapter_config.json").exists()
    card = (out / "README.md").read_text()
    assert "library_name: transformers" in card and "A fine-tuned copy of `some-base-7B`" in card


def test_the_card_states_data_recipe_settings_and_figures(run, tmp_path):
    card = (export_adapter(run, tmp_path / "out") / "README.md").read_text()
    for words in (
        "base_model: some-base-7B", "library_name: peft", "(DPO)", f"`{'d' * 64}`", "| rows | 12 |",
        "learning_rate: 0.001", "base: some-base-7B", "data: export",
        "Trained to step 6; the weights are those of step 4",
        "| all | 25.0% (14.2% to 40.2%) | 87.5% (73.9% to 94.5%) | 40 |", "| delayed | not asked | 90.0%",
        "- During training: The chosen answers have become less likely.",
    ):  # fmt: skip
        assert words in card, words
    assert "$" not in card


def test_the_card_is_that_of_the_kept_weights_while_a_run_goes_on(run, tmp_path):
    """Killed after its best round and gone on with from before it: there is no report, and the metrics end earlier."""
    folder = shutil.copytree(run, tmp_path / "run")
    write_round(folder / "adapter", 8, HELD["after"] | {"step": 8})
    journal = Journal(folder / "metrics.jsonl", io.StringIO())
    journal.write("held_out", step=7, loss=1.0, accuracy={"all": 0.5}, n={"all": 40}, unread=0)
    journal.write("step", step=7, of=9, loss=1.0, seconds=0.1, tokens=12)
    card = (export_adapter(folder, tmp_path / "out") / "README.md").read_text()
    assert "Trained to step 7; the weights are those of step 8" in card
    assert "| all | 25.0% (14.2% to 40.2%) | 87.5% (73.9% to 94.5%) | 40 |" in card


def test_weights_that_change_while_they_are_read_are_not_taken_for_those_of_the_card(run, tmp_path, monkeypatch):
    folder = shutil.copytree(run, tmp_path / "run")
    copied = shutil.copy2

    def swapped(*given: Any) -> None:
        copied(*given)
        checkpoints.swap_in(Path(shutil.copytree(folder / "adapter", folder / ".part")), folder / "adapter")

    monkeypatch.setattr(export.shutil, "copy2", swapped)
    with pytest.raises(RunFailed, match="Export it again"):
        export_adapter(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_without_held_out_rounds_says_so():
    assert metrics_table(None, None) == "It was not asked: there were no held-out rounds."
    assert "| all | not asked | 87.5%" in metrics_table(None, HELD["after"])


def test_the_table_says_how_many_gave_no_answer():
    assert "no answer" not in metrics_table(HELD["before"], HELD["after"]), "nobody counted them"
    table = metrics_table(HELD["before"] | {"unread": 10}, HELD["after"] | {"unread": 0})
    said = "| no answer (counted as wrong) | 25.0% (14.2% to 40.2%) | 0.0% (0.0% to 8.8%) | 40 |"
    assert table.splitlines()[-1] == said
    assert "(counted as wrong) | not counted | 0.0%" in metrics_table(HELD["before"], HELD["after"] | {"unread": 0})


def test_a_whole_model_comes_out_without_what_training_left_beside_it(run, tmp_path):
    told = json.loads((run / "config.json").read_text()) | {"tuning": "full", "output": str(tmp_path / "full")}
    folder = write_config(told).parent
    model = folder / "model"
    model.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "optimizer.pt", "trainer_state.json"):
        (model / name).write_text("{}")
    write_round(model, 6, None)
    out = export_adapter(folder, tmp_path / "out")
    assert {path.name for path in out.iterdir()} == {
        "config.json", "model.safetensors", "tokenizer.json", "README.md", HASHES,
    }  # fmt: skip


def test_what_cannot_be_exported_is_told_and_nothing_is_left(run, tmp_path):
    empty = write_config(json.loads((run / "config.json").read_text()) | {"output": str(tmp_path / "empty")}).parent
    with pytest.raises(NotFound, match="nothing to export yet: there is no adapter"):
        export_adapter(empty, tmp_path / "out")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    with pytest.raises(BadRequest, match="there already"):
        export_adapter(run, tmp_path / "taken")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "taken"]


# The hub


class Hub(BaseHTTPRequestHandler):
    """As much of a hub as an upload asks for. refuses: the code with which it answers what has `at` in its path.

    there: whether me/mine is there, and who may see it. who: whose token it is, and what it may do.
    """

    refuses, at = 0, "/"
    there = ""
    who: dict[str, Any] = {"name": "me", "orgs": [], "auth": {"accessToken": {"role": "write"}}}  # noqa: RUF012
    seen: list[tuple[str, str, bytes]]

    def do_GET(self) -> None:  # noqa: N802
        if "/whoami" in self.path:
            self._answer(self.who)
            return
        told = {"sha": "0" * 40, "id": "me/mine", "siblings": [], "tags": [], "private": self.there == "private"}
        self._answer(told, absent=not self.there)

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.path, self.headers.get("Authorization", ""), body))
        self._answer(self._said(body))

    def _said(self, body: bytes) -> dict[str, Any]:
        if self.path.endswith("/repos/create"):
            type(self).there = json.loads(body)["visibility"]
            return {"url": f"{self.server.address}/me/mine", "name": "me/mine"}  # type: ignore[attr-defined]
        if "/preupload/" in self.path:
            files = json.loads(body)["files"]
            return {"files": [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in files]}
        address = f"{self.server.address}/me/mine/commit/{'1' * 40}"  # type: ignore[attr-defined]
        return {"commitUrl": address, "commitOid": "1" * 40, "success": True}

    def _answer(self, said: dict[str, Any], absent: bool = False) -> None:
        code = self.refuses if self.refuses and self.at in self.path else 404 if absent else 200
        text = json.dumps(said if code == 200 else {"error": "no"}).encode()
        self.send_response(code)
        if absent and code == 404 != self.refuses:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def hub(monkeypatch: pytest.MonkeyPatch, **more: Any) -> Iterator[list[tuple[str, str, bytes]]]:
    """A hub on loopback that the client believes to be the real one; what was posted to it. more: as Hub says."""
    kind = type("ThisHub", (Hub,), {"seen": [], **more})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.address = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(constants, "ENDPOINT", server.address)  # type: ignore[attr-defined]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # as everywhere else in the product
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    try:
        yield kind.seen  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_export_goes_to_the_hub_whole_and_private(run, tmp_path, monkeypatch):
    out = export_adapter(run, tmp_path / "out")
    with hub(monkeypatch) as seen:
        address = push(out, "me/mine")
    assert address.endswith("/me/mine")
    paths = [path for path, _, _ in seen]
    assert paths[0].endswith("/repos/create") and "/commit/" in paths[-1]
    assert json.loads(seen[0][2])["visibility"] == "private"
    assert {token for _, token, _ in seen} == {f"Bearer {TOKEN}"}
    lines = [json.loads(line) for line in seen[-1][2].splitlines()]
    sent = {line["value"]["path"]: line["value"]["content"] for line in lines if line["key"] == "file"}
    assert {name: base64.b64decode(text) for name, text in sent.items()} == {
        path.name: path.read_bytes() for path in out.iterdir()
    }
    assert not any(TOKEN.encode() in path.read_bytes() for path in out.iterdir())


def test_what_is_private_stays_so_and_what_is_public_is_sent_as_public_only(run, tmp_path, monkeypatch):
    out = export_adapter(run, tmp_path / "out")
    with hub(monkeypatch, there="private") as seen:
        assert push(out, "me/mine").endswith("/me/mine")
        assert not any(path.endswith("/repos/create") for path, _, _ in seen) and "/commit/" in seen[-1][0]
    with hub(monkeypatch, there="public") as seen:
        with pytest.raises(BadRequest, match="everybody can see it"):
            push(out, "me/mine")
        assert seen == []
        assert push(out, "me/mine", public=True).endswith("/me/mine")
    with hub(monkeypatch, there="private") as seen:
        with pytest.raises(BadRequest, match="it is private. Make it public there first"):
            push(out, "me/mine", public=True)
        assert seen == []


def who(role: str, **orgs: str) -> dict[str, Any]:
    """What the hub says of a token of somebody else's. orgs: the role in each."""
    rows = [{"name": name, "roleInOrg": each} for name, each in orgs.items()]
    return {"name": "you", "orgs": rows, "auth": {"accessToken": {"role": role}}}


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        ({"refuses": 401}, (), "not valid"),
        ({"refuses": 403, "at": "/auth-check/write", "there": "private"}, (), "may not write"),
        ({"there": "public"}, (), "everybody can see it"),
        ({"there": "private"}, ("--public",), "it is private"),
        ({"who": who("read", me="admin")}, (), "may only read"),
        ({"who": who("write", ours="admin")}, (), "may not write there"),
        ({"who": who("write", me="read")}, (), "may not write there"),
    ],
)
def test_what_the_hub_would_refuse_is_refused_before_the_work(run, tmp_path, monkeypatch, capsys, given, more, said):
    with hub(monkeypatch, **given) as seen:
        assert main([str(run), "--to", str(tmp_path / "out"), "--merge", "--push", "me/mine", *more]) == 1
    assert said in capsys.readouterr().err and list(tmp_path.iterdir()) == [] == seen


@pytest.mark.parametrize("given", [who("write", Me="contributor"), who("fineGrained")])
def test_a_token_that_may_write_there_or_may_be_able_to_is_let_through(monkeypatch, given):
    with hub(monkeypatch, who=given) as seen:
        may_push("me/mine")
    assert seen == []


def test_a_repository_that_the_token_cannot_see_is_told_at_the_end(run, tmp_path, monkeypatch):
    out = export_adapter(run, tmp_path / "out")
    with hub(monkeypatch, refuses=409, at="/repos/create"), pytest.raises(RunFailed, match="may not see it"):
        push(out, "me/mine")


@pytest.mark.parametrize("more", [(), ("--public",)])
def test_an_export_that_is_stopped_has_made_nothing_on_the_hub(run, tmp_path, monkeypatch, more):
    monkeypatch.setattr(export.shutil, "copy2", lambda *_: signal.raise_signal(signal.SIGTERM))
    with hub(monkeypatch) as seen, pytest.raises(SystemExit):
        main([str(run), "--to", str(tmp_path / "out"), "--push", "me/mine", *more])
    assert seen == []


@pytest.mark.parametrize(("code", "said"), [(401, "not valid"), (403, "may not write"), (404, "it answered 404")])
def test_a_hub_that_refuses_is_told_without_the_token(run, tmp_path, monkeypatch, code, said):
    out = export_adapter(run, tmp_path / "out")
    with hub(monkeypatch, refuses=code), pytest.raises(RunFailed, match=said) as raised:
        push(out, "me/mine")
    assert TOKEN not in str(raised.value) and raised.value.__cause__ is None


def test_a_hub_that_is_not_there_is_told(run, tmp_path, monkeypatch):
    out = export_adapter(run, tmp_path / "out")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RunFailed, match="could not be sent") as raised:
        push(out, "me/mine")
    assert TOKEN not in str(raised.value)


def test_a_token_that_no_header_can_hold_is_not_told_either(run, tmp_path, monkeypatch):
    out = export_adapter(run, tmp_path / "out")
    for letters in ("\nmore", " more", "\u00e9"):
        with hub(monkeypatch) as seen, pytest.raises(BadRequest, match="no token") as raised:
            monkeypatch.setenv("HF_TOKEN", f"{TOKEN}{letters}")
            push(out, "me/mine")
        assert TOKEN not in str(raised.value) and seen == []


def test_without_a_token_a_name_or_a_card_nothing_is_sent(run, tmp_path, monkeypatch):
    out = export_adapter(run, tmp_path / "out")
    with hub(monkeypatch) as seen:
        with pytest.raises(BadRequest, match="OWNER/NAME"):
            push(out, "mine")
        with pytest.raises(NotFound, match="no card"):
            push(tmp_path, "me/mine")
        monkeypatch.delenv("HF_TOKEN")
        with pytest.raises(MissingPart, match="HF_TOKEN"):
            push(out, "me/mine")
        assert seen == []


def test_the_command_writes_the_folder_and_says_what_went_wrong(run, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert main([str(run), "--to", str(tmp_path / "out")]) == 0
    assert re.fullmatch(rf"{tmp_path}/out\n", capsys.readouterr().out)
    assert main([str(run), "--to", str(tmp_path / "out")]) == 1
    assert "there already" in capsys.readouterr().err
    assert main([str(run), "--to", str(tmp_path / "more"), "--push", "me/mine"]) == 1
    assert export.TOKEN in capsys.readouterr().err and not (tmp_path / "more").exists()


def test_a_push_that_fails_at_the_end_leaves_nothing_on_the_disk(run, tmp_path, monkeypatch, capfd):
    """As the job of a run does it, in a process of its own."""
    (tmp_path / "runs" / "r1").mkdir(parents=True)
    item = {"run": "r1", "run_folder": str(run), "to": "", "do": "adapter", "repo": "me/mine", "public": False}
    with hub(monkeypatch, refuses=403, at="/commit/") as seen:
        monkeypatch.setenv("HF_ENDPOINT", constants.ENDPOINT)
        with pytest.raises(CannotGoOn):
            train_export.work(item, tmp_path)
    assert "may not write there" in capfd.readouterr().err
    assert any("/preupload/" in path for path, _, _ in seen), "it was refused before the end"
    assert [path.name for path in (tmp_path / "runs" / "r1").iterdir()] == ["trainer.lock"]


def test_a_stopped_export_leaves_nothing(run, tmp_path, monkeypatch):
    def copied(*_: Any) -> None:
        assert len(list(tmp_path.iterdir())) == 1
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(export.shutil, "copy2", copied)
    with pytest.raises(SystemExit) as ended:
        main([str(run), "--to", str(tmp_path / "out")])
    assert ended.value.code == 143 and list(tmp_path.iterdir()) == []
