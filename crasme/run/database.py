"""What the database needs before anything else runs: migrations and, when it is empty, demo data.

Asking Django takes seconds, so the state of the code at the last migration is kept as the database's comment: equal
means nothing to do. What could go wrong: the comment lies (a restored dump carries none, and `/health/ready/` compares
the migrations themselves before the start counts as done).
"""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from crasme.embedded import EmbeddedError, processes

SOURCES = ("crasme", "privacy", "retention", "consent")


def fingerprint(project: Path) -> str:
    """A digest of everything a migration may depend on: the code and the locked packages."""
    digest = hashlib.sha256()
    for part in SOURCES:
        for file in sorted((project / part).rglob("*.py")):
            digest.update(str(file.relative_to(project)).encode())
            digest.update(file.read_bytes())
    digest.update((project / "requirements" / "production.txt").read_bytes())
    return f"crasme {digest.hexdigest()[:32]}"


class Database:
    def __init__(self, url: str, *, project: Path, environment: Mapping[str, str], logs: Path) -> None:
        self._url, self._project, self._environment, self._logs = url, project, environment, logs
        self._wanted = fingerprint(project)

    def is_current(self) -> bool:
        with self._connect() as link:
            row = link.execute(
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
            ).fetchone()
        return row == (self._wanted,)

    def migrate(self) -> None:
        """Raises EmbeddedError with the end of the log when a migration fails."""
        self.manage("migrate", "--noinput")
        with self._connect() as link:
            name = link.info.dbname
            link.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(self._wanted))
            )

    def is_empty(self) -> bool:
        """True when no account is in it."""
        with self._connect() as link:
            return link.execute("SELECT EXISTS (SELECT 1 FROM crm_account)").fetchone() == (False,)

    def manage(self, *arguments: str) -> None:
        """Run a management command with its output in logs/<command>.log. Raises EmbeddedError when it fails."""
        log = self._logs / f"{arguments[0]}.log"
        child = processes.spawn(
            [sys.executable, "manage.py", *arguments], log=log, environment=self._environment, folder=self._project
        )
        try:
            code = child.wait()
        finally:
            processes.stop_child(child, processes.SOFTLY)
        if code:
            raise EmbeddedError(
                f"`manage.py {' '.join(arguments)}` failed; {log} ends:\n{processes.last_lines(log, 20)}"
            )

    def fill(self, size: str) -> None:
        """Demo data, with its progress on the terminal. Raises EmbeddedError when it fails."""
        command = [sys.executable, "manage.py", "demo", "--size", size]
        code = subprocess.run(command, env=dict(self._environment), cwd=self._project, check=False).returncode
        if code:
            raise EmbeddedError(f"`manage.py demo --size {size}` failed with code {code}; what it said stands above.")

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self._url, autocommit=True, connect_timeout=10)
