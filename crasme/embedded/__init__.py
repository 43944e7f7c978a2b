"""A local PostgreSQL and a local Valkey from pip wheels, for `make run`, `make test` and manage.py. No Django here.

    with embedded.start(Path(".local")) as servers:
        servers.database_url, servers.broker_url

What could go wrong: a server outlives whoever started it (Linux tells the kernel to end it then; everywhere the next
start ends a left-over of the same folder, found by its own pid file and checked to be that server), two starters share
one folder (a lock held for life refuses the second), a set-up is cut off half-way (made aside, renamed when whole),
root starts it (PostgreSQL refuses root: an unprivileged user runs it), or a folder was made by another major version.
"""

from crasme.embedded.databases import ensure_database
from crasme.embedded.environment import environment, initialised
from crasme.embedded.errors import AlreadyRunning, EmbeddedError, NotInitialised
from crasme.embedded.servers import Servers, start

__all__ = [
    "AlreadyRunning",
    "EmbeddedError",
    "NotInitialised",
    "Servers",
    "ensure_database",
    "environment",
    "initialised",
    "start",
]
