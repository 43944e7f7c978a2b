"""Processes that an earlier, killed start of the same data folder left behind.

They are known by a variable in their environment, which helpers of helpers inherit too. What could go wrong: somebody
else's process is ended. The variable holds this folder's own random id, so nobody else's can carry it.
"""

import contextlib
import os
from collections.abc import Iterator

import psutil

MARK = "CRASME_INSTANCE"


def of(instance: str) -> Iterator[psutil.Process]:
    """The live processes that were started for this folder, this one excepted."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == instance:
                yield process


def end(instance: str, *, patience: float = 5) -> int:
    """End them, gently and then not; answers how many there were."""
    found = list(of(instance))
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _gone, alive = psutil.wait_procs(found, timeout=patience)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=patience)
    return len(found)
