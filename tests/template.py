"""The database of a test run, copied from a template that holds the migrated tables.

Migrating takes longer than most rooms' tests, so the servers' files are kept in .pytest_cache under a key of everything
that shapes the tables. What could go wrong: a kept template lags behind the code. Its key covers the migrations, what
they import, the settings, the locked packages and the month (migrations make partitions for the present); and what
the apps put in after migrating is never kept but put in anew for every run.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

PROJECT = Path(__file__).resolve().parent.parent
KEPT = PROJECT / ".pytest_cache" / "tables"
ROOMS = ("crasme", "privacy", "retention", "consent")
TABLES = "crasme"  # the embedded server's own database: tables, no rows
FILLED = "test_crasme"  # with the rows that the apps put in after migrating
_IMPORT = re.compile(r"^(?:from ([\w.]+) )?import ([\w., ]+)", re.MULTILINE)


# --- keeping server files between runs --------------------------------------------------------------------------------
def key() -> str:
    """A digest of what shapes the migrated tables."""
    files = {file for room in ROOMS for file in (PROJECT / room).rglob("migrations/*.py")}
    files |= {module for file in files for module in _own_modules(file.read_text())}
    digest = hashlib.sha256(f"{datetime.now(UTC):%Y-%m}".encode())
    for file in (*sorted(files), PROJECT / "crasme" / "settings.py", PROJECT / "requirements" / "production.txt"):
        digest.update(f"{file.relative_to(PROJECT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:24]


def _own_modules(text: str) -> Iterator[Path]:
    for package, names in _IMPORT.findall(text):
        for name in re.split(r",\s*", names.strip()):
            for dotted in filter(None, (package, f"{package}.{name}".lstrip("."))):
                file = PROJECT / Path(*dotted.split("."))
                if dotted.partition(".")[0] in ROOMS:
                    yield from (path for path in (file.with_suffix(".py"), file / "__init__.py") if path.is_file())


def bring(folder: Path) -> None:
    """Put a kept template into a new data folder, when there is one for this state of the code."""
    now = key()
    (folder / "key").write_text(now)
    if (KEPT / now).exists():
        shutil.copytree(KEPT / now, folder, dirs_exist_ok=True)
        (folder / "brought").touch()


def is_worth_keeping(folder: Path) -> bool:
    """True when this run migrated by itself, and nobody has changed the code meanwhile."""
    migrated = (folder / "migrated").exists() and not (folder / "brought").exists()
    return migrated and (folder / "postgres").exists() and (folder / "key").read_text() == key()


def strip(database_url: str) -> None:
    """Leave only the tables on the server; call before it stops, and `store` after."""
    with psycopg.connect(_beside(database_url, "postgres"), autocommit=True) as link:
        for (name,) in link.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test%'").fetchall():
            link.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def store(folder: Path) -> None:
    """Keep the stopped server's files for the next run, and forget those of older code."""
    draft, target = KEPT / f"draft-{os.getpid()}", KEPT / (folder / "key").read_text()
    shutil.copytree(folder / "postgres", draft / "postgres")
    shutil.copy2(folder / "secrets.json", draft)
    (draft / "instance.json").write_text(json.dumps({"database": TABLES}))
    (draft / "migrated").touch()
    try:
        draft.rename(target)
    except OSError:  # another run was quicker
        shutil.rmtree(draft)
    for old in sorted(KEPT.iterdir(), key=lambda path: path.stat().st_mtime)[:-2]:
        shutil.rmtree(old, ignore_errors=True)


# --- the database of one test process ---------------------------------------------------------------------------------
def connect_tests(folder: Path, worker: str) -> None:
    """Point Django at a database of this process's own, with all tables and the rows of a fresh installation."""
    with _alone(folder):
        if not (folder / "migrated").exists():
            _point_to(TABLES)
            executor = MigrationExecutor(connection)
            executor.migrate(executor.loader.graph.leaf_nodes())
            (folder / "migrated").touch()
        if not (folder / "filled").exists():
            _copy(TABLES, FILLED)
            _point_to(FILLED)
            emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)
            (folder / "filled").touch()
        if worker:
            _copy(FILLED, f"{FILLED}_{worker}")
    _point_to(f"{FILLED}_{worker}" if worker else FILLED)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _point_to(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES[connection.alias]["NAME"] = name


def _copy(source: str, target: str) -> None:
    connection.close()  # a database with a session on it cannot be copied
    with psycopg.connect(_beside(os.environ["DATABASE_URL"], "postgres"), autocommit=True) as link:
        link.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(target)))
        link.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(target), sql.Identifier(source)))


def _beside(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"
