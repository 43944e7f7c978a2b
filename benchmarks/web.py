"""The product's own web server, one process of it, on a free port of loopback.

Static files are not collected, which would take most of a minute: nobody fetches any here. A list of names is enough.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Self

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders

from crasme.embedded.processes import free_port

COMMAND = (
    *("-m", "granian", "--interface", "wsgi", "--blocking-threads", "4", "--no-ws"),
    *("--log-level", "warning"),
)
OURS = "crasme.wsgi:application"
PATIENCE = 60


class Server:
    """Use as a context manager; `environment` comes on top of this process's own. Another `application` than the
    product's answers /health/live/ as well.
    """

    def __init__(self, application: str = OURS, *, python: str = sys.executable, **environment: str) -> None:
        self.port, self._environment = free_port(), environment
        self._python, self._application = python, application

    def __enter__(self) -> Self:
        _name_static_files()
        command = [self._python, *COMMAND, "--port", str(self.port), self._application]
        self.process = subprocess.Popen(command, env=os.environ | self._environment)
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > until or self.process.poll() is not None:
                self.__exit__()
                raise RuntimeError("the web server did not start")
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url("/health/live/"), timeout=2).close()  # noqa: S310  (loopback)
        except OSError:
            return False
        return True


def _name_static_files() -> None:
    """Every file under its own name, as Django's manifest says it."""
    paths = {path: path for finder in get_finders() for path, _storage in finder.list([])}
    folder = Path(settings.STATIC_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"paths": paths, "version": "1.1", "hash": ""}
    (folder / "staticfiles.json").write_text(json.dumps(manifest))
