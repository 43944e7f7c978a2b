"""From a fresh clone to a page that answers with demo data; then the second start of the same folder.

The baselines are what no product on this stack can avoid: installing the same locked packages for the first start,
starting the same two servers for the second.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, seconds
from crasme import embedded
from crasme.embedded.processes import free_port

ROWS = 300_000
ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 300


def run(rows: int) -> Iterator[Figure]:
    """Two figures in seconds. `rows` is the size of the small demo; it cannot be chosen."""
    with tempfile.TemporaryDirectory(prefix="crasme-cold-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        first, second = _start_until_ready(clone), _start_until_ready(clone)
        install = seconds(lambda: _install(Path(folder) / "bare"))
        servers = seconds(lambda: _servers(Path(folder) / "servers"))
        yield Figure("cold_start_first", first, "s", install, ROWS, "against installing the same locked packages")
        yield Figure("cold_start_second", second, "s", servers, ROWS, "against initdb and start of both servers alone")


def _start_until_ready(clone: Path) -> float:
    """Seconds from `make run` to a 200 of /health/ready/; the whole group is stopped as Ctrl-C would."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in ("DATA_DIR", "DATABASE_URL")}
    with (clone / "run.log").open("ab") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environment | {"PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(f"http://127.0.0.1:{port}/health/ready/", process)
            return time.perf_counter() - started
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  (loopback)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"make run did not become ready in {PATIENCE} s (exit {process.poll()}); see its run.log")


def _install(folder: Path) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    locked = ROOT / "requirements" / "local.txt"
    target = ["--python", str(folder / "bin" / "python")]
    subprocess.run([uv, "pip", "install", "-q", *target, "--require-hashes", "-r", str(locked)], check=True)


def _servers(folder: Path) -> None:
    embedded.start(folder).stop()
