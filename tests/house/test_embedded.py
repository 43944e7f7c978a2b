"""The local servers survive what happens on real machines: kills, left-overs, taken ports, cut-off set-ups, root."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from crasme import embedded
from crasme.embedded import account, processes

PROJECT = Path(__file__).resolve().parents[2]
ONCE = Retry(NoBackoff(), 0)
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user to drop to")


def servers_of(folder: Path) -> list[psutil.Process]:
    """Live server processes whose command line names something in `folder`."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(str(folder) in word for word in words):
            found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def gone(folder: Path) -> bool:
    return processes.wait_until(lambda: not servers_of(folder), 15)


def starter(folder: Path, body: str, **keywords: object) -> subprocess.Popen[str]:
    """A process that starts the servers, says "up" and then does `body`."""
    program = (
        "import os, sys, threading, time\nfrom pathlib import Path\nfrom crasme import embedded\n"
        f"folder = Path({str(folder)!r})\n{body}"
    )
    child: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
        [sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE, text=True, **keywords
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    return child


HOLD = "servers = embedded.start(folder, durable=False)\nprint('up', flush=True)\ntime.sleep(60)\n"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One data folder for the whole file: making it takes most of the time."""
    path = Path(tempfile.mkdtemp(prefix="crasme-embedded-"))
    try:
        with embedded.start(path, durable=False) as servers, psycopg.connect(servers.database_url) as link:
            link.execute("CREATE TABLE kept (word text PRIMARY KEY)")
            link.execute("INSERT INTO kept VALUES ('kept')")
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def kept(servers: embedded.Servers) -> list[str]:
    with psycopg.connect(servers.database_url) as link:
        return [row[0] for row in link.execute("SELECT word FROM kept")]


def test_both_servers_answer_and_leave_nothing(folder: Path) -> None:
    with embedded.start(folder, durable=False) as servers:
        assert kept(servers) == ["kept"]
        with redis.Redis.from_url(servers.broker_url) as broker:
            assert broker.ping()
            assert broker.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        variables = embedded.environment(folder)
        assert variables["DATABASE_URL"] == servers.database_url
        assert variables["BROKER_URL"] == servers.broker_url
        assert len(servers_of(folder)) == 2
    assert servers_of(folder) == []


def test_nobody_gets_in_without_the_password(folder: Path) -> None:
    with embedded.start(folder, durable=False) as servers:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(servers.database_url, password="guessed")
        address = re.sub(r":[^:@/]+@", "", servers.broker_url)
        with pytest.raises(redis.AuthenticationError), redis.Redis.from_url(address, retry=ONCE) as broker:
            broker.ping()
    assert (folder / "secrets.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_durable_server_writes_through(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = Path(tempfile.mkdtemp(prefix="crasme-durable-"))
    try:
        with embedded.start(path) as servers:
            with psycopg.connect(servers.database_url) as link:
                assert link.execute("SHOW fsync").fetchone() == ("on",)
                assert link.execute("SHOW synchronous_commit").fetchone() == ("on",)
            with redis.Redis.from_url(servers.broker_url, decode_responses=True) as broker:
                assert broker.config_get("appendonly") == {"appendonly": "yes"}
    finally:
        shutil.rmtree(path, ignore_errors=True)


def test_a_second_start_is_refused_while_the_first_lives(folder: Path) -> None:
    with embedded.start(folder, durable=False):
        with pytest.raises(embedded.AlreadyRunning) as refusal:
            embedded.start(folder, durable=False)
        assert refusal.value.pid == os.getpid()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_starter_that_is_told_to_end_leaves_nothing(folder: Path, number: signal.Signals) -> None:
    body = "with embedded.start(folder, durable=False):\n    print('up', flush=True)\n    time.sleep(60)\n"
    child = starter(folder, body, stderr=subprocess.DEVNULL)
    child.send_signal(number)
    child.wait(15)
    assert servers_of(folder) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_a_killed_starter_takes_its_servers_along(folder: Path) -> None:
    child = starter(folder, HOLD)
    child.kill()
    child.wait(5)
    assert gone(folder)
    with embedded.start(folder, durable=False) as servers:
        assert kept(servers) == ["kept"]


def test_left_over_servers_are_ended_by_the_next_start(folder: Path) -> None:
    # Started from a thread they are not tied to their starter, as on systems that know no such tie.
    body = (
        "thread = threading.Thread(target=lambda: embedded.start(folder, durable=False))\n"
        "thread.start(); thread.join(); print('up', flush=True); os._exit(0)\n"
    )
    starter(folder, body).wait(15)
    old = {process.pid for process in servers_of(folder)}
    assert len(old) == 2
    with embedded.start(folder, durable=False) as servers:
        assert kept(servers) == ["kept"]
        assert not old & {process.pid for process in servers_of(folder)}


def test_killed_servers_and_a_reused_process_number_are_mended(folder: Path) -> None:
    child = starter(folder, HOLD)
    for process in servers_of(folder):
        process.kill()
    child.kill()
    child.wait(5)
    assert gone(folder)
    lines = (folder / "postgres" / "postmaster.pid").read_text().splitlines()
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        (folder / "postgres" / "postmaster.pid").write_text("\n".join([str(sleeper.pid), *lines[1:]]))
        (folder / "valkey" / "valkey.pid").write_text(f"{sleeper.pid}\n")
        with embedded.start(folder, durable=False) as servers:
            assert kept(servers) == ["kept"]
        assert sleeper.poll() is None, "a process that only shares the number was ended"
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_taken_port_is_replaced(folder: Path) -> None:
    port = int(embedded.environment(folder)["DATABASE_URL"].rpartition(":")[2].partition("/")[0])
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with embedded.start(folder, durable=False) as servers:
            assert f":{port}/" not in servers.database_url
            assert kept(servers) == ["kept"]


@pytest.mark.slow
def test_a_cut_off_set_up_is_begun_anew() -> None:
    path = Path(tempfile.mkdtemp(prefix="crasme-cut-"))
    try:
        (path / "postgres.new-123" / "base").mkdir(parents=True)
        with embedded.start(path, durable=False, valkey=False) as servers:
            assert servers.broker_url == ""
            with psycopg.connect(servers.database_url) as link:
                assert link.execute("SELECT 1").fetchone() == (1,)
            assert not (path / "postgres.new-123").exists()
    finally:
        shutil.rmtree(path, ignore_errors=True)


def test_data_of_another_major_version_is_refused_and_left_alone() -> None:
    path = Path(tempfile.mkdtemp(prefix="crasme-old-"))
    try:
        (path / "postgres").mkdir()
        (path / "postgres" / "PG_VERSION").write_text("12\n")
        with pytest.raises(embedded.EmbeddedError, match=r"PostgreSQL 12, but this version brings PostgreSQL 18"):
            embedded.start(path, durable=False, valkey=False)
        assert (path / "postgres" / "PG_VERSION").read_text() == "12\n"
        assert servers_of(path) == []
    finally:
        shutil.rmtree(path, ignore_errors=True)


def test_an_unused_folder_has_no_environment_and_stays_unused(tmp_path: Path) -> None:
    assert not embedded.initialised(tmp_path / "new")
    with pytest.raises(embedded.NotInitialised, match="make run"):
        embedded.environment(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_values_do_not_reach_the_log(folder: Path) -> None:
    with embedded.start(folder, durable=False) as servers:
        with psycopg.connect(servers.database_url) as link:
            for statement in ("INSERT INTO kept VALUES ('kept')", "SELECT 'planted@example.com' FROM nowhere"):
                with pytest.raises(psycopg.Error):
                    link.execute(statement)
                link.rollback()
        time.sleep(0.1)
    log = (folder / "logs" / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "planted@example.com" not in log
    assert "(kept)" not in log


def test_databases_are_made_once(folder: Path) -> None:
    with embedded.start(folder, durable=False) as servers:
        first = embedded.ensure_database(servers.database_url, "another one")
        assert embedded.ensure_database(servers.database_url, "another one") == first
        with psycopg.connect(first) as link:
            assert link.info.dbname == "another one"


@pytest.mark.slow
@ROOT_ONLY
def test_root_drops_to_an_ordinary_user_even_below_a_closed_folder() -> None:
    closed = Path(tempfile.mkdtemp(prefix="crasme-closed-"))
    home = None
    try:
        path = closed / "inner"
        with embedded.start(path, durable=False) as servers:
            assert {process.username() for process in servers_of(account.SHARED)} == {"nobody"}
            with psycopg.connect(servers.database_url) as link:
                home = Path(str(link.execute("SHOW data_directory").fetchone()[0])).parent  # type: ignore[index]
        assert home.parent == account.SHARED
        assert closed.stat().st_mode & 0o777 == 0o700, "a folder that is not ours was opened"
    finally:
        shutil.rmtree(closed, ignore_errors=True)
        if home is not None:
            shutil.rmtree(home, ignore_errors=True)


@ROOT_ONLY
def test_an_ordinary_user_runs_them_too() -> None:
    nobody = account.server_account()
    assert nobody is not None
    if not (nobody.passes(Path(sys.executable)) and nobody.passes(PROJECT / "crasme")):
        pytest.skip("this checkout is closed to other users")
    path = Path(tempfile.mkdtemp(prefix="crasme-user-"))
    os.chown(path, nobody.uid, nobody.gid)
    try:
        child = starter(path, HOLD, user=nobody.uid, group=nobody.gid, extra_groups=[], env={"PATH": os.defpath})
        assert {process.username() for process in servers_of(path)} == {"nobody"}
        assert path.stat().st_mode & 0o777 == 0o700
        child.terminate()
        child.wait(15)
        assert gone(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)
