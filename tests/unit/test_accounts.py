"""The accounts of a workspace: what is kept, who may be changed, when a session ends, and what a broken file does."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.auth_kit import PASSWORD, Clock, account, cookie_of, three_accounts
from thud.errors import BadRequest, NotFound
from ui.door.account_file import Account, Role
from ui.door.accounts import IDLE_S, RENEW_S, RESERVED, SESSION_S, AccountBook, load_accounts, save_account

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> AccountBook:
    return three_accounts(tmp_path, clock)


def test_accounts_are_kept_hashed_and_private(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    assert not load_accounts(path).required()
    save_account(path, "Kim", PASSWORD, "admin")
    text = path.read_text()
    assert PASSWORD not in text
    assert "$argon2id$" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    book = load_accounts(path)
    assert book.required()
    assert "argon2" not in repr(book.all())


def test_only_the_right_password_of_an_account_opens(book: AccountBook) -> None:
    assert book.check("rob", PASSWORD) == account(book, "rob")
    assert book.check("ROB", PASSWORD) == account(book, "rob")
    for name, password in (("rob", "other"), ("rob", ""), ("nobody", PASSWORD), ("", ""), ("rob", PASSWORD + "\0")):
        assert book.check(name, password) is None


@pytest.mark.parametrize(
    "name", ["", "a" * 41, "two words", "a/b", "é", "a\n", "<b>", *sorted(RESERVED), "Gemini", "LOCAL", "Ada", "ada"]
)
def test_poor_reserved_and_taken_names_are_refused(book: AccountBook, name: str) -> None:
    before = book.path.read_text()
    with pytest.raises(BadRequest):
        book.add(name, PASSWORD, "annotator")
    assert book.path.read_text() == before


@pytest.mark.parametrize(("password", "role"), [("short", "admin"), ("a" * 1001, "admin"), (PASSWORD, "boss")])
def test_poor_passwords_and_roles_are_refused(book: AccountBook, password: str, role: Role) -> None:
    with pytest.raises(BadRequest):
        book.add("kim", password, role)
    assert book.find("kim") is None


@pytest.mark.parametrize("role", ["annotator", "researcher"])
def test_the_first_account_is_an_admin(tmp_path: Path, role: Role) -> None:
    book = AccountBook(tmp_path / "accounts.json")
    with pytest.raises(BadRequest, match="first account"):
        book.add("kim", PASSWORD, role)
    assert not book.path.exists()


def test_the_last_admin_stays(book: AccountBook) -> None:
    with pytest.raises(BadRequest, match="last admin"):
        book.remove("ada")
    with pytest.raises(BadRequest, match="last admin"):
        book.set_role("ada", "researcher")
    with pytest.raises(BadRequest, match="last admin"):
        save_account(book.path, "ada", PASSWORD, "annotator")
    book.set_role("rob", "admin")
    book.remove("ada")
    assert [each.name for each in book.all()] == ["ana", "rob"]


def test_a_name_that_is_not_there_is_said(book: AccountBook) -> None:
    for change in (book.remove, book.sign_out_everywhere, lambda name: book.set_role(name, "admin")):
        with pytest.raises(NotFound, match="kim"):
            change("kim")


def anew(book: AccountBook, name: str) -> None:
    book.remove(name)
    book.add(name, PASSWORD, "researcher")


CHANGES: dict[str, Callable[[AccountBook], object]] = {
    "password": lambda book: book.set_password("rob", "another password"),
    "role": lambda book: book.set_role("rob", "annotator"),
    "removed": lambda book: book.remove("rob"),
    "everywhere": lambda book: book.sign_out_everywhere("rob"),
    "removed and added again": lambda book: anew(book, "rob"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_account_ends_its_sessions_at_once(
    book: AccountBook, change: Callable[[AccountBook], object]
) -> None:
    rob, ana = cookie_of(book, "rob"), cookie_of(book, "ana")
    assert book.read_cookie(rob) == account(book, "rob")
    change(AccountBook(book.path))  # by another process
    assert book.read_cookie(rob) is None
    assert book.read_cookie(ana) == account(book, "ana")


def test_signing_out_ends_this_session_and_no_other(book: AccountBook, clock: Clock) -> None:
    here, there = cookie_of(book, "rob"), cookie_of(book, "rob")
    book.end(here)
    book.end("forged")
    assert book.read_cookie(here) is None
    assert book.read_cookie(there) is not None
    assert AccountBook(book.path, clock).read_cookie(here) is None
    clock.now += SESSION_S + 1
    book.end(cookie_of(book, "rob"))
    assert len(json.loads(book.path.read_text())["ended"]) == 1  # the first one is past, so it is forgotten


def test_a_session_ends_after_its_time_and_after_rest(book: AccountBook, clock: Clock) -> None:
    cookie, began = cookie_of(book, "rob"), clock.now
    session = book.read_session(cookie)
    assert session is not None
    assert book.renewed(session) is None
    clock.now = began + IDLE_S - 1
    assert book.read_cookie(cookie) is not None
    clock.now = began + IDLE_S
    assert book.read_cookie(cookie) is None

    clock.now = began
    while clock.now < began + SESSION_S:  # used every few hours
        session = book.read_session(cookie)
        assert session is not None
        cookie = book.renewed(session) or cookie
        clock.now += IDLE_S / 5
    clock.now = began + SESSION_S
    assert book.read_cookie(cookie) is None


def test_a_session_is_renewed_when_it_has_been_used_for_a_while(book: AccountBook, clock: Clock) -> None:
    cookie = cookie_of(book, "rob")
    clock.now += RENEW_S
    session = book.read_session(cookie)
    assert session is not None
    fresh = book.read_session(book.renewed(session) or "")
    assert fresh is not None
    assert (fresh.id, fresh.born_s, fresh.seen_s) == (session.id, session.born_s, int(clock.now))


def test_forged_cookies_are_worth_nothing(book: AccountBook, tmp_path: Path) -> None:
    good = cookie_of(book, "ana")
    said, _, signature = good.partition(".")
    name, *rest = json.loads(base64.urlsafe_b64decode(said + "==="))

    def as_said(row: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(row).encode()).decode().rstrip("=")

    assert as_said([name, *rest]) == said
    later = [name, rest[0], rest[1] + 1, rest[2] + 1]
    forged = [f"{as_said(row)}.{signature}" for row in (["ada", *rest], later, [name], {}, 3, [[]] * 4)]
    forged += ["", ".", "a.b.c", "é.x", said, f"{said}.", f"{said}.é", good + "0", "[" * 100_000 + "." + signature]
    assert [value for value in forged if book.read_cookie(value)] == []
    (tmp_path / "other").mkdir()
    others = AccountBook(tmp_path / "other" / "accounts.json", book.clock)
    row: dict[str, object] = json.loads(book.path.read_text())
    others.path.write_text(json.dumps({**row, "secret": "ab" * 32}))
    assert others.read_cookie(good) is None


CHANGE_OFTEN = """
import sys
from pathlib import Path
from ui.door.accounts import AccountBook
for _ in range(40):
    AccountBook(Path(sys.argv[1])).sign_out_everywhere("rob")
"""


def test_changes_of_threads_and_processes_at_the_same_time_all_arrive(book: AccountBook) -> None:
    def change_often() -> None:
        for _ in range(40):
            book.sign_out_everywhere("rob")

    others = [subprocess.Popen([sys.executable, "-c", CHANGE_OFTEN, str(book.path)], cwd=ROOT) for _ in range(2)]
    threads = [threading.Thread(target=change_often) for _ in range(2)]
    threads.append(threading.Thread(target=book.add, args=("kim", PASSWORD, "annotator")))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait() for other in others] == [0, 0]
    assert account(book, "rob").epoch == 4 * 40
    assert {each.name for each in book.all()} == {"ada", "rob", "ana", "kim"}
    assert stat.S_IMODE(book.path.stat().st_mode) == 0o600


ROW: dict[str, object] = {"version": 1, "secret": "ab" * 32, "ended": {}}
KIM: dict[str, object] = {"name": "kim", "role": "admin", "hash": "x", "epoch": 0}
BROKEN = {
    "empty": "",
    "a list": "[]",
    "no accounts": json.dumps({**ROW, "accounts": []}),
    "a number": '{"accounts": 3}',
    "no version": json.dumps({**ROW, "version": None, "accounts": [KIM]}),
    "short secret": json.dumps({**ROW, "secret": "ab", "accounts": [KIM]}),
    "no secret": json.dumps({**ROW, "secret": "zz", "accounts": [KIM]}),
    "unknown role": json.dumps({**ROW, "accounts": [{**KIM, "role": "boss"}]}),
    "unknown field": json.dumps({**ROW, "accounts": [{**KIM, "salt": "x"}]}),
    "poor name": json.dumps({**ROW, "accounts": [{**KIM, "name": "<b>"}]}),
    "no hash": json.dumps({**ROW, "accounts": [{**KIM, "hash": None}]}),
    "cut": json.dumps({**ROW, "accounts": [KIM]})[:-9],
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_accounts_file_shuts_the_door(book: AccountBook, text: str) -> None:
    cookie = cookie_of(book, "rob")
    book.path.write_text(text)
    with pytest.raises(BadRequest, match="not a list of accounts"):
        load_accounts(book.path)
    with pytest.raises(BadRequest, match="not a list of accounts"):
        book.read_cookie(cookie)
    with pytest.raises(BadRequest, match="not a list of accounts"):
        book.add("kim", PASSWORD, "admin")
    assert book.path.read_text() == text


def test_a_row_that_is_not_broken_is_read(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps({**ROW, "accounts": [KIM]}))
    book = load_accounts(path)
    assert book.all() == (Account("kim", "admin", "x"),)
    assert book.check("kim", PASSWORD) is None  # "x" is no hash


def test_accounts_that_vanish_leave_the_door_shut(book: AccountBook) -> None:
    cookie = cookie_of(book, "rob")
    text = book.path.read_text()
    book.path.unlink()
    with pytest.raises(BadRequest, match="gone"):
        book.required()
    with pytest.raises(BadRequest, match="gone"):
        book.add("eve", PASSWORD, "admin")
    book.path.write_text(text)
    assert book.read_cookie(cookie) is not None
