"""From a fresh clone to a page that answers with demo data; then the second start of the same folder.

The baselines are what no product on this stack can avoid: installing the same locked packages for the first start,
starting the same two servers on data of their own for the second. The packages are in uv's cache both times.
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
PATIENCE = 900
# Whatever would make the start in the clone another one than a stranger's.
FOREIGN = (
    "DATA_DIR",
    "DATABASE_URL",
    "BROKER_URL",
    "DEMO",
    "VERBOSE",
    "VIRTUAL_ENV",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
)


def run(rows: int) -> Iterator[Figure]:
    """Two figures in seconds. `rows` is the size of the small demo; it cannot be chosen."""
    with tempfile.TemporaryDirectory(prefix="crasme-cold-") as folder:
        Path(folder).chmod(0o711)  # for root, whose servers run as another user
        install = seconds(lambda: _install(Path(folder) / "bare"))
        servers = _servers(Path(folder) / "servers")
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        first = _start_until_ready(clone)
        yield Figure("cold_start_first", first, "s", install, ROWS, "against installing the same locked packages")
        second = _start_until_ready(clone)
        yield Figure("cold_start_second", second, "s", servers, ROWS, "against a second start of both servers alone")


def _start_until_ready(clone: Path) -> float:
    """Seconds from `make run` to "Ready." and a 200 of /health/ready/; then it is stopped as Ctrl-C would."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    output = clone / "run.log"
    with output.open("wb") as log:
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
            until = time.monotonic() + PATIENCE
            while not (_says_ready(output) and _answers(port)):
                if time.monotonic() > until or process.poll() is not None:
                    raise RuntimeError(f"make run did not become ready; it said:\n{output.read_text()[-4_000:]}")
                time.sleep(0.05)
            return time.perf_counter() - started
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(60)


def _says_ready(output: Path) -> bool:
    """The line that comes once the demo data is there as well; the page answers before that."""
    return "Ready." in output.read_text().splitlines()


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready/", timeout=5).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def _install(folder: Path) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    locked = ROOT / "requirements" / "local.txt"
    target = ["--python", str(folder / "bin" / "python")]
    subprocess.run([uv, "pip", "install", "-q", *target, "--require-hashes", "-r", str(locked)], check=True)


def _servers(folder: Path) -> float:
    embedded.start(folder).stop()
    started = time.perf_counter()
    servers = embedded.start(folder)
    taken = time.perf_counter() - started
    servers.stop()
    return taken
