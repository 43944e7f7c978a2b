"""`make run`, really run: it gets ready, says what is wrong, mends what was killed, and leaves nothing behind."""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from crasme import embedded
from crasme.embedded import processes
from crasme.embedded.state import DataDir
from crasme.run import leftovers, plan
from crasme.run.child import LIMIT, Child
from crasme.run.screen import Screen
from crasme.run.supervisor import Supervisor, Wishes
from tests import template

PROJECT = Path(__file__).resolve().parents[2]
KEPT = ("PATH", "HOME", "LANG", "PYENV_ROOT", "TMPDIR")


@pytest.fixture
def data_dir() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="crasme-run-"))
    yield path
    for process in remaining(path):
        process.kill()
    shutil.rmtree(path, ignore_errors=True)


def begin(data_dir: Path, port: int, command: tuple[str, ...]) -> tuple[subprocess.Popen[bytes], Path]:
    """A supervisor in a process group of its own, as a terminal starts it; and where its words go."""
    words = Path(tempfile.mkstemp(prefix="said-", suffix=".txt", dir=data_dir)[1])
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"PORT": str(port), "DATA_DIR": str(data_dir), "DEMO": "none"}
    with words.open("wb") as output:
        child = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=output, stderr=subprocess.STDOUT, process_group=0
        )
    return child, words


def supervisor() -> tuple[str, ...]:
    return (sys.executable, "-m", "crasme.run")


def until_ready(child: subprocess.Popen[bytes], words: Path) -> None:
    done = processes.wait_until(lambda: "Ready." in words.read_text() or child.poll() is not None, 90)
    assert done, words.read_text()
    assert child.poll() is None, words.read_text()


def remaining(data_dir: Path) -> list[psutil.Process]:
    """Everything that runs for this folder: by the mark in its environment, or by a path in its command line."""
    instance = DataDir(data_dir).recall().get("id")
    marked = list(leftovers.of(str(instance))) if instance else []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(str(data_dir) in word for word in words):
            marked.append(process)
    return marked


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310  (our own address)
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


@pytest.mark.slow
def test_a_start_a_kill_a_mending_start_and_an_end(data_dir: Path) -> None:
    template.bring(data_dir)  # migrating an empty database is what every other test begins with
    port = processes.free_port()
    first, words = begin(data_dir, port, supervisor())
    until_ready(first, words)
    said = words.read_text()
    assert f"http://localhost:{port}/" in said
    for address in ("/", "/health/ready/", "/inbox/", "/admin/login/"):
        assert status(f"http://127.0.0.1:{port}{address}") == 200, address

    # A second start of the same folder is told where the first one is.
    second, words_of_second = begin(data_dir, port + 1, supervisor())
    assert second.wait(20) == 1
    assert f"running already at http://localhost:{port}/" in words_of_second.read_text()

    # By hand beside it: manage.py finds the servers and the keys.
    assert embedded.initialised(data_dir)
    by_hand = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--check"],
        cwd=PROJECT,
        env={"PATH": os.defpath, "DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert by_hand.returncode == 0, by_hand.stderr

    # The supervisor is killed outright; the next start, through make, ends what is left and is ready again.
    first.kill()
    first.wait(10)
    third, words = begin(data_dir, port, ("make", "run"))
    until_ready(third, words)
    assert "migrating" not in words.read_text(), "nothing had changed"

    # Flower asks for its password, and a killed child comes back.
    flower = DataDir(data_dir).recall()["flower_port"]
    beat = _wait_for(data_dir, "beat")
    beat.kill()
    assert processes.wait_until(lambda: "beat is starting again" in words.read_text(), 15), words.read_text()
    assert "beat was ended by SIGKILL" in words.read_text()
    assert processes.wait_until(lambda: _listens(flower), 30)
    assert status(f"http://127.0.0.1:{flower}/") == 401

    # Ctrl-C in a terminal reaches make and the supervisor together.
    os.killpg(third.pid, signal.SIGINT)
    third.wait(45)
    assert "nothing is left running" in words.read_text()
    assert remaining(data_dir) == []
    assert processes.port_is_free(port)


def _wait_for(data_dir: Path, word: str) -> psutil.Process:
    found: list[psutil.Process] = []

    def look() -> bool:
        found[:] = [process for process in remaining(data_dir) if word in process.cmdline()]
        return bool(found)

    assert processes.wait_until(look, 15), f"no process runs {word}"
    return found[0]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
def test_a_taken_port_is_named_with_the_remedy(data_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        child, words = begin(data_dir, port, supervisor())
        assert child.wait(30) == 1
    assert f"Port {port} is taken" in words.read_text()
    assert "make run`" in words.read_text()
    assert remaining(data_dir) == []


@pytest.mark.parametrize(("name", "value"), [("PORT", "http"), ("PORT", "0"), ("DEMO", "huge")])
def test_a_senseless_wish_is_refused_before_anything_starts(tmp_path: Path, name: str, value: str) -> None:
    done = subprocess.run(
        supervisor(),
        cwd=PROJECT,
        env={"PATH": os.defpath, "DATA_DIR": str(tmp_path / "data"), name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{name} is '{value}'" in done.stdout
    assert not (tmp_path / "data").exists()


def test_a_child_that_always_dies_is_given_up_after_growing_waits(tmp_path: Path) -> None:
    child = Child("poor", [sys.executable, "-c", "print('dying'); raise SystemExit(3)"], lambda log: False)
    child.start(logs=tmp_path, environment=os.environ, folder=tmp_path)
    waits = []
    for _ in range(LIMIT + 1):
        assert processes.wait_until(lambda: not child.running, 10)
        assert child.died() == 3
        waits.append(round(child.next_start - time.monotonic()))
        child.next_start = time.monotonic()
        assert child.start_again_when_due()
    child.stop(lambda: True)
    assert waits == [2**death for death in range(LIMIT + 1)]
    assert child.deaths > LIMIT
    assert "dying" in child.new_lines()


def test_a_child_that_ignores_the_end_is_killed_with_its_helpers(tmp_path: Path) -> None:
    stubborn = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "helper = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print('helper', helper.pid, flush=True); time.sleep(60)"
    )
    child = Child("stubborn", [sys.executable, "-c", stubborn], lambda log: "helper" in log, patience=0.3)
    child.start(logs=tmp_path, environment=os.environ, folder=tmp_path)
    assert processes.wait_until(child.became_ready, 10)
    helper = psutil.Process(int(child.new_lines()[0].split()[1]))
    child.ask_to_stop()
    assert child.stop(lambda: False) is False
    assert processes.wait_until(lambda: not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE, 5)


@pytest.mark.parametrize("current", [True, False])
def test_the_port_of_the_pages_opens_when_their_tables_are_there(tmp_path: Path, current: bool) -> None:
    did: list[str] = []

    class Store:
        def is_current(self) -> bool:
            return current

        def migrate(self) -> None:
            did.append("migrate")

    class Noted(Supervisor):
        def _start_servers(self) -> plan.Ports:
            self.environment = {"DEBUG": "on", "FLOWER_USER": "u", "FLOWER_PASSWORD": "p"}
            return plan.Ports(1, 2, 3)

        def _database(self) -> Any:
            return Store()

        def _fill(self, database: Any) -> None:
            did.append("fill")

        def _launch(self, *names: str) -> None:
            did.extend(names)

        def _until_ready(self, *names: str) -> None:
            did.append("ready")

    wishes = Wishes(project=PROJECT, port=1, data_dir=tmp_path, demo="small")
    Noted(wishes, Screen(io.StringIO(), verbose=False))._start()
    tables = [] if current else ["migrate"]
    assert did == ["mail", *tables, "web", "fill", "worker", "ready", "beat"]


def test_the_screen_shows_what_needs_attention_and_its_traceback_only() -> None:
    lines = [
        "2026-11-22 13:00:00 INFO crasme all is well",
        "2026-11-22 13:00:01 ERROR crasme could not do it",
        "Traceback (most recent call last):",
        '  File "x.py", line 1, in <module>',
        "ValueError: why",
        "a line of chatter",
        "2026-11-22 13:00:02 INFO crasme all is well again",
    ]
    quiet, verbose = io.StringIO(), io.StringIO()
    Screen(quiet, verbose=False).follow("web", lines)
    Screen(verbose, verbose=True).follow("web", lines)
    assert [line.partition("│ ")[2] for line in quiet.getvalue().splitlines()] == lines[1:5]
    assert len(verbose.getvalue().splitlines()) == len(lines)


def test_a_closed_terminal_does_not_stop_the_stopping() -> None:
    stream = io.StringIO()
    screen = Screen(stream, verbose=False)
    stream.close()
    screen.step("still fine")
