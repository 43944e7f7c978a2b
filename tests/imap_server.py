"""A real IMAP server on loopback (pymap, mail in memory), for tests of the intake by mail."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from imap_tools import BaseMailBox, MailBoxUnencrypted

from crasme.embedded import processes
from crasme.run.plan import listens

# Half a million rounds of hashing at each sign-in protect nobody here.
PROGRAM = """
from pysasl.hashing import BuiltinHash
from pymap.main import main
BuiltinHash.__init__.__kwdefaults__["rounds"] = 1
main()
"""
USER, PASSWORD = "support", "p@ss word/%"


@dataclass(frozen=True)
class ImapServer:
    port: int

    def url(self, filed: str = "") -> str:
        """What IMAP_URL would be."""
        return f"imap://{USER}:p%40ss%20word%2F%25@127.0.0.1:{self.port}/INBOX" + (f"?filed={filed}" if filed else "")

    @contextmanager
    def mailbox(self, folder: str = "INBOX") -> Iterator[BaseMailBox]:
        """Signed in, as the owner of the mailbox with a program of their own."""
        with MailBoxUnencrypted("127.0.0.1", self.port).login(USER, PASSWORD, folder) as box:
            yield box

    def deliver(self, *mails: bytes, at: datetime | None = None) -> None:
        with self.mailbox() as box:
            for mail in mails:
                box.append(mail, "INBOX", dt=at)

    def count(self, folder: str = "INBOX", criteria: str = "ALL") -> int:
        with self.mailbox() as box:
            if not box.folder.exists(folder):
                return 0
            box.folder.set(folder)
            return len(box.uids(criteria))

    def clear(self) -> None:
        with self.mailbox() as box:
            for folder in [each.name for each in box.folder.list()]:
                box.folder.set(folder)
                box.delete(box.uids())


@contextmanager
def running(log: Path) -> Iterator[ImapServer]:
    port = processes.free_port()
    command = [sys.executable, "-c", PROGRAM, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--no-tls", "--no-service", "admin", "--no-service", "managesieve", "dict"]
    command += ["--demo-user", USER, "--demo-password", PASSWORD]
    with log.open("wb") as output:
        child = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            assert processes.wait_until(lambda: listens(port) or child.poll() is not None, 30)
            assert child.poll() is None, log.read_text()
            yield ImapServer(port)
        finally:
            child.terminate()
            child.wait(10)
