"""One process under the supervisor: its command, its log, its end and its next start.

What could go wrong: it dies at once, every time (the waits double, and after LIMIT deaths without a stable minute the
supervisor gives up), or it ends and leaves helpers of its own (its whole session is ended before it starts again).
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crasme.embedded import processes

LIMIT = 5
STABLE_SECONDS = 60
LARGEST_LOG = 5 * 1024 * 1024
OLDEST_LOG = 30 * 24 * 60 * 60  # seconds since the last line of one that was set aside


@dataclass
class Child:
    """`ready` says whether it is up, given the log text since its start; `patience` is how long a stop may take.

    `after` names the child that must be up before this one is started.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[str], bool]
    patience: float = 10
    after: str = ""
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(default_factory=Path)
    deaths: int = 0
    is_ready: bool = False
    next_start: float = 0
    _environment: Mapping[str, str] = field(default_factory=dict)
    _folder: Path = field(default_factory=Path)
    _begun: float = 0
    _start_of_log: int = 0
    _read: int = 0

    def start(self, *, logs: Path, environment: Mapping[str, str], folder: Path) -> None:
        self.log, self._environment, self._folder = logs / f"{self.name}.log", environment, folder
        old = self.log.with_suffix(".log.1")
        with contextlib.suppress(FileNotFoundError):
            if old.stat().st_mtime < time.time() - OLDEST_LOG:
                old.unlink()
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > LARGEST_LOG:
                self.log.replace(old)
        self._start_of_log = self._read = self.log.stat().st_size if self.log.exists() else 0
        self._spawn()

    def _spawn(self) -> None:
        self.process = processes.spawn(self.command, log=self.log, environment=self._environment, folder=self._folder)
        self._begun, self.is_ready, self.next_start = time.monotonic(), False, 0

    @property
    def launched(self) -> bool:
        """True from the first start on, whatever became of it."""
        return self._begun > 0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def died(self) -> int | None:
        """The exit code, once, when it has ended by itself; a next start is planned then."""
        if self.process is None or self.process.poll() is None:
            return None
        code = self.process.returncode
        self._end_session()
        if time.monotonic() - self._begun > STABLE_SECONDS:
            self.deaths = 0
        self.deaths += 1
        self.process = None
        self.next_start = time.monotonic() + 2 ** (self.deaths - 1)
        return code

    def start_again_when_due(self) -> bool:
        if self.process is None and self.next_start and time.monotonic() >= self.next_start:
            self._start_of_log = self.log.stat().st_size
            self._spawn()
            return True
        return False

    def new_lines(self) -> list[str]:
        """What the log has gained since the last call, whole lines only."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(self._read)
                text = stream.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole.decode(errors="replace").splitlines()

    def became_ready(self) -> bool:
        """True once after every start, as soon as it is up."""
        if self.is_ready or not self.running:
            return False
        with self.log.open("rb") as stream:
            stream.seek(self._start_of_log)
            self.is_ready = self.ready(stream.read(65_536).decode(errors="replace"))
        return self.is_ready

    # --- ending ---------------------------------------------------------------------------------------------------
    def ask_to_stop(self) -> None:
        self.next_start = 0
        if self.running and self.process is not None:
            self.process.terminate()

    def stop(self, hurry: Callable[[], bool]) -> bool:
        """Wait for an end that was asked for, then insist (at once when `hurry` says so). False when it was killed."""
        if self.process is None:
            return True
        process = self.process
        processes.wait_until(lambda: process.poll() is not None or hurry(), self.patience)
        gentle = process.poll() is not None
        self._end_session()
        process.wait()
        self.process = None
        return gentle

    def _end_session(self) -> None:
        """Whatever the child started and left. Its session still exists only when something is left of it."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
