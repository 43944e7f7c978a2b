"""The PostgreSQL server of one data folder.

What could go wrong, and what happens: initdb cut off (made aside, renamed when whole) · a left-over server of the same
folder (ended: fast shutdown, then harder) · a pid file whose number is by now another program (removed, for PostgreSQL
itself would refuse) · the remembered port taken (another one) · data of another major version (refused, with the way
out) · values of people in its log (statements and details are not logged).
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from crasme.embedded import account as accounts, processes, wheels
from crasme.embedded.errors import EmbeddedError

USER = DATABASE = "crasme"
# Fast shutdown, immediate shutdown, and what nobody can refuse.
LADDER: processes.Ladder = ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))


class Postgres:
    """Start with `launch`, then `wait`: two servers can so start side by side."""

    name = "postgres"

    def __init__(
        self, home: Path, *, account: accounts.Account | None, password: str, log: Path, durable: bool, port: int = 0
    ) -> None:
        self.data = home / "postgres"
        self.account = account
        self.password = password
        self.log = log
        self.durable = durable
        self.port = port
        self.child: subprocess.Popen[bytes] | None = None
        self.programs = accounts.programs_for(wheels.postgres_programs(), account, "bin/postgres") / "bin"

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    # --- life -----------------------------------------------------------------------------------------------------
    def prepare(self) -> None:
        """End a left-over server and make the data folder when it is new."""
        for draft in self.data.parent.glob("postgres.new-*"):
            shutil.rmtree(draft)
        if self.data.exists():
            self._check_version()
            accounts.own(self.data, self.account)
            self._end_leftover()
        else:
            self._initialise()

    def launch(self) -> None:
        self.port = processes.free_port(self.port)
        command = [str(self.programs / "postgres"), "-D", str(self.data)]
        for name, value in self._settings().items():
            command += ["-c", f"{name}={value}"]
        # A fast shutdown is what a dying starter leaves behind: clients are cut off, the data is whole.
        self.child = processes.spawn(
            command, log=self.log, account=self.account, folder=self.data, last_signal=signal.SIGINT
        )

    def wait(self, seconds: float = 120) -> None:
        """Until it accepts connections (crash recovery included); a port lost in a race is replaced, twice at most."""
        for _attempt in range(3):
            if processes.wait_until(lambda: self._ready() or not self.alive(), seconds) and self.alive():
                return
            if self.alive():
                raise EmbeddedError(f"PostgreSQL did not get ready in {seconds:.0f} s; its log ends:\n{self._tail()}")
            if "could not bind" not in self._tail() and "is still in use" not in self._tail():
                break
            self.port = 0
            self.launch()
        raise EmbeddedError(f"PostgreSQL stopped while starting; {self.log} ends:\n{self._tail()}")

    def alive(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def stop(self) -> None:
        if self.child is not None:
            processes.stop_child(self.child, LADDER)
            self.child = None

    # --- parts ----------------------------------------------------------------------------------------------------
    def _initialise(self) -> None:
        draft = self.data.with_name(f"postgres.new-{os.getpid()}")
        accounts.own(draft, self.account)
        with tempfile.NamedTemporaryFile("w", prefix="crasme-", suffix=".pw") as secret:
            secret.write(f"{self.password}\n")
            secret.flush()
            if self.account:
                os.chown(secret.name, self.account.uid, self.account.gid)
            command = [
                str(self.programs / "initdb"),
                *("--pgdata", str(draft), "--username", USER, "--pwfile", secret.name),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"),
                # The same order of letters on every machine, whatever locales it has.
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
                *([] if self.durable else ["--no-sync"]),
            ]
            keywords = self.account.keywords if self.account else {}
            made = subprocess.run(  # type: ignore[call-overload]
                command, capture_output=True, text=True, check=False, cwd=draft, **keywords
            )
        if made.returncode:
            shutil.rmtree(draft, ignore_errors=True)
            raise EmbeddedError(f"PostgreSQL could not make its data folder {self.data}:\n{made.stderr.strip()}")
        draft.rename(self.data)

    def _check_version(self) -> None:
        found, ours = self._read("PG_VERSION").strip(), wheels.postgres_major()
        if found != ours:
            raise EmbeddedError(
                f"{self.data} holds data of PostgreSQL {found or '?'}, but this version brings PostgreSQL {ours}. "
                "Dump it with the old version and load it into a new DATA_DIR, or start afresh: "
                f"`DATA_DIR=.local-{ours} make run`."
            )

    def _end_leftover(self) -> None:
        first = self._read("postmaster.pid").partition("\n")[0].strip()
        if not first.isdigit():
            return
        pid = int(first)
        # The pid file is trusted only when that process is this server on this folder.
        if processes.is_server(pid, "postgres", str(self.data)):
            processes.stop_stranger(pid, lambda: processes.is_server(pid, "postgres", str(self.data)), LADDER)
        elif processes.command_line(pid):
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _ready(self) -> bool:
        lines = self._read("postmaster.pid").splitlines()
        return (
            self.child is not None
            and len(lines) >= 8
            and lines[0] == str(self.child.pid)
            and lines[7].strip() == "ready"
        )

    def _read(self, name: str) -> str:
        try:
            return (self.data / name).read_text()
        except FileNotFoundError:
            return ""

    def _tail(self) -> str:
        return processes.last_lines(self.log)

    def _settings(self) -> dict[str, str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "100",
            "shared_buffers": "256MB" if _memory() >= 4 << 30 else "64MB",
            "work_mem": "16MB",
            "maintenance_work_mem": "128MB",
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_messages": "warning",
            # Statements carry values, and details carry keys: neither may reach a log.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        if _shared_memory() < 256 << 20:  # small containers: parallel queries would run out of /dev/shm
            settings["dynamic_shared_memory_type"] = "mmap"
        if not self.durable:
            settings |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "wal_level": "minimal",
                "max_wal_senders": "0",
            }
        return settings


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _shared_memory() -> int:
    try:
        facts = os.statvfs("/dev/shm")  # noqa: S108  (asked for its size only)
    except OSError:  # not Linux: PostgreSQL's default is right there
        return 1 << 40
    return facts.f_frsize * facts.f_bavail
