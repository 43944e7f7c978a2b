"""Starting, recognising and ending server processes.

What could go wrong: the starter is killed and the server lives on (on Linux the kernel signals it when its parent
dies), or a pid file names a process that is by now something else (its command line is compared before anything is
sent to it). A server gets its own session, so a Ctrl-C in the terminal reaches the starter only.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from crasme.embedded.account import Account

Ladder = Sequence[tuple[signal.Signals, float]]
SOFTLY: Ladder = ((signal.SIGTERM, 10), (signal.SIGKILL, 5))
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
_PROC = Path("/proc")


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    last_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own with both outputs appended to `log`.

    Call it from the main thread: the kernel ties `last_signal` to the death of the starting thread.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        child: subprocess.Popen[bytes] = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=None if environment is None else dict(environment),
            start_new_session=True,
            preexec_fn=_bound_to_parent(last_signal),  # noqa: PLW1509  (None unless in the main thread)
            **(account.keywords if account else {}),  # type: ignore[call-overload]
        )
    return child


def _bound_to_parent(last_signal: signal.Signals) -> Callable[[], None] | None:
    if _LIBC is None or threading.current_thread() is not threading.main_thread():
        return None
    libc, parent = _LIBC, os.getpid()

    def bind() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(last_signal))
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return bind


def command_line(pid: int) -> list[str]:
    """The arguments that process `pid` was started with; empty when it is gone, a zombie or not to be seen."""
    if (_PROC / "self").exists():
        try:
            raw = (_PROC / str(pid) / "cmdline").read_bytes()
        except OSError:
            return []
        return [os.fsdecode(part) for part in raw.split(b"\0") if part]
    found = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def is_server(pid: int, program: str, argument: str) -> bool:
    """True when `pid` runs `program` and was given `argument` (a path that only this server has)."""
    words = command_line(pid)
    return bool(words) and Path(words[0]).name == program and argument in words[1:]


def stop_child(child: subprocess.Popen[bytes], ladder: Ladder) -> None:
    """End a child of ours: each signal in turn until it has gone, and reap it."""
    for sign, patience in ladder:
        if child.poll() is not None:
            return
        child.send_signal(sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)


def stop_stranger(pid: int, still_there: Callable[[], bool], ladder: Ladder) -> None:
    """End a process that is not our child; `still_there` is asked before every signal, so a reused pid is safe."""
    for sign, patience in ladder:
        if not still_there():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        wait_until(lambda: not still_there(), patience)


def wait_until(true: Callable[[], bool], seconds: float, *, pause: float = 0.02) -> bool:
    """Ask until `true` answers so or the time is over; says which."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def port_is_free(port: int) -> bool:
    """True when nothing listens on this port of the loopback address (or on all addresses)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(*wishes: int, avoid: Iterable[int] = ()) -> int:
    """The first free one of `wishes`, else any free port that is not in `avoid`."""
    avoided = set(avoid)
    for wish in wishes:
        if wish and wish not in avoided and port_is_free(wish):
            return wish
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in avoided:
            return port


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log, indented, for an error message."""
    if not log.exists():
        return "    (no log)"
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 16_384))
        lines = stream.read().decode(errors="replace").splitlines()[-count:]
    return "\n".join(f"    {line}" for line in lines) or "    (empty log)"
