"""The network and the country of an address, looked up offline in databases that the operator has on disk.

The files are MaxMind's format, with the field names of GeoLite2 and of DB-IP: ``autonomous_system_number``, and
``country.iso_code``. Without a file for it, a value stays unknown, which the engine takes as neutral.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol


class Database(Protocol):
    """A file that knows something of an address."""

    def get(self, ip_address: str) -> object:
        """What is known, or None. ValueError for an address of a kind that the file does not have."""
        ...


class AddressDatabaseError(Exception):
    """A file can't be used; the message says which, why, and what to do."""


class Addresses:
    """Looks addresses up. A look-up raises AddressDatabaseError when its file turns out to be damaged."""

    def __init__(self, *, asn: Database | None = None, country: Database | None = None) -> None:
        """Either database may be missing: its values are then not known."""
        self._asn: Final = asn
        self._country: Final = country

    def asn(self, ip: str) -> int | None:
        """The number of the network that announces the address; None where it is not known."""
        if self._asn is None:
            return None
        number = _member(_found(self._asn, ip), "autonomous_system_number")
        return number if isinstance(number, int) and number > 0 else None

    def country(self, ip: str) -> str | None:
        """The country of the address, two capital letters; None where it is not known."""
        if self._country is None:
            return None
        code = _member(_member(_found(self._country, ip), "country"), "iso_code")
        return code.upper() if isinstance(code, str) and len(code) == 2 else None


NO_DATABASES: Final = Addresses()


def _found(database: Database, ip: str) -> object:
    try:
        # An IPv6 address may name the interface it was seen on, which no database knows.
        return database.get(ip.partition("%")[0])
    except ValueError:
        return None
    except RuntimeError as error:
        raise AddressDatabaseError(f"a database of addresses is damaged: {error}") from error


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


@contextmanager
def open_addresses(*, asn_db: Path | None, country_db: Path | None) -> Iterator[Addresses]:
    """Open the files that are given. AddressDatabaseError when one can't be used."""
    with ExitStack() as files:
        yield Addresses(asn=_opened(files, asn_db), country=_opened(files, country_db))


def _opened(files: ExitStack, path: Path | None) -> Database | None:
    if path is None:
        return None
    try:
        import maxminddb
    except ImportError:
        problem = "the package maxminddb is not installed; install it with: pip install 'hearthgate[simulation]'"
        raise AddressDatabaseError(f"cannot read {path}: {problem}") from None
    try:
        return files.enter_context(maxminddb.open_database(path))
    except maxminddb.InvalidDatabaseError:
        raise AddressDatabaseError(f"cannot read {path}: it is no database of addresses (.mmdb), or damaged") from None
    except OSError as error:
        raise AddressDatabaseError(f"cannot read {path}: {error.strerror}; give the path of an .mmdb file") from None
