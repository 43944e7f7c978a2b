"""The Valkey server of one data folder: the broker of the task queue.

What could go wrong: a left-over server of the same folder (ended, after its command line was compared), the remembered
port taken (another one), its password in the process list (it is read from a file of mode 0600), or memory running out
and tasks being dropped in silence (noeviction: a publish fails loudly, and PostgreSQL keeps the work anyway).
"""

import os
import signal
import socket
import subprocess
from pathlib import Path

from crasme.embedded import account as accounts, processes, wheels
from crasme.embedded.errors import EmbeddedError

LADDER: processes.Ladder = ((signal.SIGTERM, 15), (signal.SIGKILL, 5))


class Valkey:
    """Start with `launch`, then `wait`: two servers can so start side by side."""

    name = "valkey"

    def __init__(
        self, home: Path, *, account: accounts.Account | None, password: str, log: Path, durable: bool, port: int = 0
    ) -> None:
        self.data = home / "valkey"
        self.configuration = self.data / "valkey.conf"
        self.account = account
        self.password = password
        self.log = log
        self.durable = durable
        self.port = port
        self.child: subprocess.Popen[bytes] | None = None
        self.programs = accounts.programs_for(wheels.valkey_programs(), account, "valkey-server")

    @property
    def url(self) -> str:
        # redis:// on purpose: kombu does not know the scheme valkey://.
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Make the folder, and end a left-over server of it."""
        accounts.own(self.data, self.account)
        try:
            words = (self.data / "valkey.pid").read_text().strip()
        except FileNotFoundError:
            return
        if words.isdigit():
            processes.stop_stranger(int(words), lambda: self._is_ours(int(words)), LADDER)

    def launch(self) -> None:
        self.port = processes.free_port(self.port)
        self._write_configuration()
        command = [str(self.programs / "valkey-server"), str(self.configuration)]
        self.child = processes.spawn(command, log=self.log, account=self.account, folder=self.data)

    def wait(self, seconds: float = 60) -> None:
        """Until it answers PING (its append-only file is loaded then); a port lost in a race is replaced, twice."""
        for _attempt in range(3):
            if processes.wait_until(lambda: self._answers() or not self.alive(), seconds) and self.alive():
                return
            tail = processes.last_lines(self.log)
            if self.alive():
                raise EmbeddedError(f"Valkey did not get ready in {seconds:.0f} s; its log ends:\n{tail}")
            if "in use" not in tail:
                break
            self.port = 0
            self.launch()
        raise EmbeddedError(f"Valkey stopped while starting; {self.log} ends:\n{processes.last_lines(self.log)}")

    def alive(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def stop(self) -> None:
        if self.child is not None:
            processes.stop_child(self.child, LADDER)
            self.child = None

    def _is_ours(self, pid: int) -> bool:
        return processes.is_server(pid, "valkey-server", str(self.configuration))

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                link.settimeout(0.5)
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = link.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def _write_configuration(self) -> None:
        lines = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": f'"{self.data}"',
            "pidfile": f'"{self.data / "valkey.pid"}"',
            "requirepass": self.password,
            "databases": "64",
            "save": '""',
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "set-proc-title": "no",  # the command line is how a later start recognises it
            "daemonize": "no",
        }
        descriptor = os.open(self.configuration, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.writelines(f"{name} {value}\n" for name, value in lines.items())
        if self.account:
            os.chown(self.configuration, self.account.uid, self.account.gid)
