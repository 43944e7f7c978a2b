"""Which processes make up the product, and how one sees that each is up."""

import os
import socket
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crasme.run.child import Child

THREADS = min(8, 2 * (os.cpu_count() or 1))
QUEUES = "celery,clock,mail,export,erasure,retention,webhooks"


@dataclass(frozen=True)
class Ports:
    web: int
    flower: int
    mail: int


def children(ports: Ports, *, mail_spool: Path) -> dict[str, Child]:
    """By name, in the order in which they are stopped."""
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "crasme"]
    web = [python, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(ports.web)]
    web += ["--workers", "1", "--blocking-threads", str(THREADS), "--no-ws", "--workers-kill-timeout", "3"]
    worker = [*celery, "worker", "--queues", QUEUES, "--concurrency", "2", "--hostname", "local@%h"]
    worker += ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    beat = [*celery, "beat", "--pidfile=", "--loglevel", "INFO"]
    flower = [*celery, "flower", "--address=127.0.0.1", f"--port={ports.flower}"]
    mail = [python, "-m", "crasme.mailsink", "--port", str(ports.mail), "--spool", str(mail_spool)]
    listed = (
        Child("web", [*web, "crasme.wsgi:application"], lambda log: answers_ready(ports.web)),
        Child("beat", beat, says("beat: Starting")),
        Child("worker", worker, says(" ready."), patience=15),
        Child("flower", flower, lambda log: listens(ports.flower), after="worker"),
        Child("mail", mail, lambda log: listens(ports.mail)),
    )
    return {child.name: child for child in listed}


def says(words: str) -> Callable[[str], bool]:
    return lambda log: words in log


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True


def answers_ready(port: int) -> bool:
    """True when /health/ready/ says 200; anything else, an error page included, is not ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:  # URLError and HTTPError are OSErrors
        return False
