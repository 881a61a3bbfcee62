"""`docmill serve` and `docmill keys`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from docmill.cli.output import console, notes, open_workspace, print_json, table
from docmill.errors import UsageError
from docmill.settings import load_settings


def serve(host: str, port: int) -> None:
    """Serve until stopped."""
    from docmill.service.server import serve as run

    settings = load_settings()
    notes.print(f"Serving at http://{host}:{port} (API: /docs; stop with Ctrl-C) …")
    run(settings, host, port)


def create_key(name: str, collections: tuple[str, ...], *, as_json: bool) -> None:
    """Make a key and print it."""
    with open_workspace() as workspace:
        secret = workspace.keys.create(name, collections)
    if as_json:
        print_json({"key": secret, "name": name, "collections": list(collections)})
        return
    console.print(secret, markup=False, soft_wrap=True)
    notes.print("Keep it: it is not shown again.")


def list_keys(*, as_json: bool) -> None:
    """Print the keys."""
    with open_workspace() as workspace:
        keys = workspace.keys.all()
    if as_json:
        print_json({"keys": [asdict(each) for each in keys]})
        return
    if not keys:
        notes.print("No key yet: only calls from this machine are answered.")
        return
    rows = [
        [each.name, each.key_id, ", ".join(each.collections) or "all", _day(each.created_at), _day(each.revoked_at)]
        for each in keys
    ]
    table("", ["name", "id", "collections", "created", "revoked"], rows)


def revoke_key(name: str, *, as_json: bool) -> None:
    """Revoke a key."""
    with open_workspace() as workspace:
        if not workspace.keys.revoke(name):
            raise UsageError(f"There is no valid key {name!r}.", hint="See `docmill keys list`.")
    if as_json:
        print_json({"revoked": name})
    else:
        console.print(f"revoked  {name}", markup=False)


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M") if seconds else ""
