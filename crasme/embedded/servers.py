"""Both servers of a data folder as one thing that starts, is mended and stops."""

import contextlib
import signal
import threading
import types
import uuid
from pathlib import Path
from typing import Self

from crasme.embedded import account as accounts
from crasme.embedded.databases import ensure_database
from crasme.embedded.postgres import DATABASE, Postgres
from crasme.embedded.state import DataDir
from crasme.embedded.valkey import Valkey


class Servers:
    """Running servers. A context manager: leaving it stops them."""

    def __init__(self, folder: DataDir, postgres: Postgres | None, valkey: Valkey | None) -> None:
        self.folder = folder
        self.postgres = postgres
        self.valkey = valkey

    @property
    def database_url(self) -> str:
        """postgresql://… of the product's database; the role is a superuser of this local server."""
        return self.postgres.url if self.postgres else ""

    @property
    def broker_url(self) -> str:
        """redis://… of database 0."""
        return self.valkey.url if self.valkey else ""

    @property
    def both(self) -> list[Postgres | Valkey]:
        return [server for server in (self.valkey, self.postgres) if server is not None]

    def dead(self) -> list[Postgres | Valkey]:
        """The servers whose process has ended without being asked to."""
        return [server for server in self.both if not server.alive()]

    def stop(self) -> None:
        """Stop Valkey, then PostgreSQL, and give the folder free. Safe to call twice."""
        with contextlib.ExitStack() as later:
            later.callback(self.folder.release)
            for server in reversed(self.both):
                later.callback(server.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(data_dir: Path, *, durable: bool = True, postgres: bool = True, valkey: bool = True) -> Servers:
    """Start the servers of `data_dir`, which is made when missing; returns when both answer.

    `durable=False` trades safety against power cuts for speed (tests). Either server can be left out when a real one
    is used instead. Raises AlreadyRunning when another live process holds the folder, EmbeddedError with a remedy
    otherwise. SIGTERM to this process unwinds as Ctrl-C does, so context managers stop the servers.
    """
    folder = DataDir(data_dir)
    folder.hold()
    servers = Servers(folder, None, None)
    try:
        _unwind_on_sigterm()
        _start(servers, durable=durable, postgres=postgres, valkey=valkey)
    except BaseException:
        servers.stop()
        raise
    return servers


def _start(servers: Servers, *, durable: bool, postgres: bool, valkey: bool) -> None:
    folder = servers.folder
    known, secrets = folder.recall(), folder.secrets(make=True)
    if "id" not in known:
        folder.remember(id=uuid.uuid4().hex)
        known = folder.recall()
    account = accounts.server_account()
    home = accounts.home_for(folder.path, account, str(known["id"]))
    if valkey:
        servers.valkey = Valkey(
            home,
            account=account,
            password=secrets["VALKEY_PASSWORD"],
            log=folder.logs / "valkey.log",
            durable=durable,
            port=int(known.get("valkey_port", 0)),
        )
        servers.valkey.prepare()
        servers.valkey.launch()
    if postgres:
        servers.postgres = Postgres(
            home,
            account=account,
            password=secrets["POSTGRES_PASSWORD"],
            log=folder.logs / "postgres.log",
            durable=durable,
            port=int(known.get("postgres_port", 0)),
        )
        servers.postgres.prepare()
        servers.postgres.launch()
        servers.postgres.wait()
        if known.get("database") != DATABASE:
            ensure_database(servers.postgres.url, DATABASE)
        folder.remember(postgres_port=servers.postgres.port, database=DATABASE)
    if servers.valkey:
        servers.valkey.wait()
        folder.remember(valkey_port=servers.valkey.port)
    if home != folder.path:
        folder.remember(home=str(home))


def _unwind_on_sigterm() -> None:
    """Only where nobody else has decided what SIGTERM means, and only from the main thread, which Python demands."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit)


def _exit(number: int, frame: types.FrameType | None) -> None:
    raise SystemExit(128 + number)
