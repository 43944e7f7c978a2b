"""PostgreSQL and Valkey for one test run, up before Django's settings are read.

Loaded with `-p tests.servers` (pyproject.toml), because pytest-django reads the settings before any conftest.py. The
controller of a parallel run starts the servers; its workers inherit the environment and take a Valkey database each.
What could go wrong: a run breaks off before pytest is configured, and then pytest calls no hook at the end (atexit does
the tidying), or it is killed (the kernel tells the servers, which end; the folder is in the system's temporary place).
"""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from crasme import embedded
from tests import template

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    # A shell starts what runs in its background deaf to Ctrl-C, and every program that a test starts would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if WORKER:
        _take_own_share()
        return
    folder = Path(tempfile.mkdtemp(prefix="crasme-test-"))
    template.bring(folder)
    try:
        servers = embedded.start(folder, durable=False)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    atexit.register(_stop, servers, folder)
    # Tests run on what a development start has; demo sign-ins stay off unless a test wants them.
    os.environ["TEST_SERVERS"] = str(folder)
    own = {"DEMO_SIGN_INS": "0", "SITE_URL": "http://testserver", "STATIC_ROOT": str(folder / "static")}
    os.environ.update(embedded.environment(folder) | own)
    (folder / "static").mkdir()


def _stop(servers: embedded.Servers, folder: Path) -> None:
    keeping = template.is_worth_keeping(folder)
    if keeping:
        template.strip(servers.database_url)
    servers.stop()
    if keeping:
        template.store(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _take_own_share() -> None:
    """A Valkey database and a folder for files of this worker's own; pytest-django gives it a PostgreSQL database."""
    number = int(WORKER.removeprefix("gw")) + 1
    os.environ["BROKER_URL"] = f"{os.environ['BROKER_URL'].rpartition('/')[0]}/{number}"
    os.environ["DATA_DIR"] = str(Path(os.environ["DATA_DIR"]) / WORKER)
    Path(os.environ["DATA_DIR"]).mkdir(mode=0o700, exist_ok=True)
