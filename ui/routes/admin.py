"""/api/admin: accounts, backups and settings. The guard lets admins in and nobody else."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from thud.errors import BadRequest
from thud.store import Event
from thud.store.changes import set_setting
from ui.body import read_json
from ui.door.account_file import ROLES, Role
from ui.door.auth import accounts_of, user_of
from ui.house import House, actor

Json = dict[str, Any]
JsonBody = Annotated[Json, Depends(read_json)]
ACCOUNT = "account"
"""Kind of the events that say who changed whose account. No password comes near them."""
HISTORY = 50


def admin_router(house: House) -> APIRouter:
    router = APIRouter(prefix="/api/admin")
    _people(router, house)
    _changing(router, house)
    _backups(router, house)
    _settings(router, house)
    return router


def _people(router: APIRouter, house: House) -> None:
    @router.get("/people")
    def people(request: Request) -> Json:
        from ui.figures import work_done

        done = work_done(house.store.marks(), datetime.now(UTC).replace(tzinfo=None))
        book = accounts_of(request)
        accounts = {account.name: account.role for account in book.all()}
        rows = [{"name": name, "role": role, **done.get(name, {})} for name, role in accounts.items()]
        # Their marks stay when an account goes, and so do those of the time before there were accounts.
        rows += [{"name": name, "role": None, **own} for name, own in sorted(done.items()) if name not in accounts]
        return {"people": rows, "signed_in": book.required(), "me": user_of(request).name, "roles": list(ROLES)}

    @router.get("/people/history")
    def history(name: str) -> Json:
        return {"events": [_line(event) for event in house.store.events(name) if event.kind == ACCOUNT]}


def _changing(router: APIRouter, house: House) -> None:
    def done(request: Request, name: str, what: str) -> Json:
        house.store.append(ACCOUNT, name, actor(request), {"what": what}).result()
        return {"name": name, "done": what}

    @router.post("/people/add")
    def add(request: Request, body: JsonBody) -> Json:
        account = accounts_of(request).add(_text(body, "name").strip(), _text(body, "password"), _role(body))
        return done(request, account.name, f"added as {account.role}")

    @router.post("/people/role")
    def set_role(request: Request, body: JsonBody) -> Json:
        account = accounts_of(request).set_role(_text(body, "name"), _role(body))
        return done(request, account.name, f"made {account.role}")

    @router.post("/people/password")
    def set_password(request: Request, body: JsonBody) -> Json:
        account = accounts_of(request).set_password(_text(body, "name"), _text(body, "password"))
        return done(request, account.name, "given a new password")

    @router.post("/people/sign-out")
    def sign_out(request: Request, body: JsonBody) -> Json:
        account = accounts_of(request).sign_out_everywhere(_text(body, "name"))
        return done(request, account.name, "signed out everywhere")

    @router.post("/people/remove")
    def remove(request: Request, body: JsonBody) -> Json:
        name = _text(body, "name")
        accounts_of(request).remove(name)
        return done(request, name, "removed")


def _backups(router: APIRouter, house: House) -> None:
    from ui.backups import all_backups, check_backup, make_backup

    folder = house.workspace / "backups"

    @router.get("/backups")
    def backups() -> Json:
        health = house.store.health()
        rows = [asdict(backup) for backup in all_backups(folder)]
        database = house.store.path.stat().st_size
        return {"backups": rows, "folder": str(folder), "free_bytes": health.free_bytes, "database_bytes": database}

    @router.post("/backups")
    def backup(request: Request) -> Json:
        return asdict(make_backup(house.store, folder, actor(request)))

    @router.post("/backups/verify")
    def verify(body: JsonBody) -> Json:
        return asdict(check_backup(folder, _text(body, "name")))


def _settings(router: APIRouter, house: House) -> None:
    from thud.events.settings import DEFAULTS, LIMITS, checked_setting, read_settings

    store = house.store

    @router.get("/settings")
    def settings() -> Json:
        held = asdict(read_settings(store.settings()))
        rows = [
            {"name": name, "value": held[name], "default": default, "limits": LIMITS.get(name)}
            for name, default in DEFAULTS.items()
        ]
        events = [event for name in DEFAULTS for event in store.events(name, HISTORY) if event.kind == "set_setting"]
        newest = sorted(events, key=lambda event: event.ev_id, reverse=True)[:HISTORY]
        return {"settings": rows, "history": [_line(event) for event in newest]}

    @router.post("/settings")
    def change(request: Request, body: JsonBody) -> Json:
        try:
            wanted = {name: checked_setting(name, value) for name, value in body.items()}
        except OverflowError as error:
            raise BadRequest("A number is far too large. Nothing was changed.") from error
        held = asdict(read_settings(store.settings()))
        changed = {name: value for name, value in wanted.items() if value != held[name]}
        store.write_many([set_setting(name, value, actor(request)) for name, value in changed.items()])
        house.desk.changed()
        return {"changed": list(changed), **settings()}


def _line(event: Event) -> Json:
    """One line of history."""
    at = event.at.isoformat(timespec="seconds") + "Z"
    return {"ev_id": event.ev_id, "at": at, "actor": event.actor, "subject": event.subject, **event.payload}


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"Give the {name}.")
    return value


def _role(body: Json) -> Role:
    role = next((each for each in ROLES if each == body.get("role")), None)
    if role is None:
        raise BadRequest(f"A role is one of {', '.join(ROLES)}.")
    return role
