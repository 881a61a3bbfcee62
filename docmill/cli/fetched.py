"""Objects of an S3 bucket as files for the time of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from docmill.errors import SourceError
from docmill.store import LocalStore, canonical_url, open_store

_S3 = "s3://"


@contextmanager
def fetched(addresses: Sequence[str], endpoint: str | None) -> Iterator[tuple[tuple[str, ...], Callable[[str], str]]]:
    """The addresses with copies of S3 objects in place of `s3://` ones, and what each path is called for a person.

    An address names an object, or all objects below it. The copies are gone afterwards. Raises SourceError where there
    is none, and what the store raises.
    """
    with TemporaryDirectory(prefix="docmill-") as folder:
        called: dict[Path, str] = {}
        paths = []
        for number, address in enumerate(addresses):
            if not address.startswith(_S3):
                paths.append(address)
                continue
            place = Path(folder) / str(number)
            url, single = _copy(address, place, endpoint)
            called[place] = url
            paths.append(str(place / single))

        def shown(path: str) -> str:
            for place, url in called.items():
                if Path(path).is_relative_to(place):
                    return url + Path(path).relative_to(place).as_posix()
            return path

        yield tuple(paths), shown


def _copy(address: str, place: Path, endpoint: str | None) -> tuple[str, str]:
    """The address of what was copied into the folder, and the object's name if it is a single one."""
    url = canonical_url(address).rstrip("/")
    base, _, name = url.rpartition("/")
    target = LocalStore(place)
    if base.startswith(_S3) and len(base) > len(_S3):
        store = open_store(base + "/", endpoint)
        if store.head(name) is not None:
            target.put(name, store.get(name))
            return base + "/", name
    store = open_store(url + "/", endpoint)
    empty = True
    for info in store.list():
        target.put(info.key, store.get(info.key))
        empty = False
    if empty:
        raise SourceError(f"{address} names no object and nothing lies below it.", hint="Check the address.")
    return url + "/", ""
