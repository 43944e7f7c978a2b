"""Starts everything in the right order, watches it, and stops it in the opposite one.

What could go wrong, and what happens: a second start on the same folder (told where the first one is) · a taken port
(told the remedy) · a first start that was killed (its left-overs are ended, its database mended) · a child or a server
that dies (started again, with growing waits; given up after a few times) · an impatient second Ctrl-C (killed at once).
"""

import os
import signal
import time
import types
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from crasme import embedded
from crasme.demo.sign_ins import SIGN_INS
from crasme.embedded import AlreadyRunning, EmbeddedError, processes
from crasme.embedded.state import DataDir
from crasme.run import leftovers, plan
from crasme.run.child import LIMIT, Child
from crasme.run.database import Database
from crasme.run.screen import Screen

PAUSE = 0.1
# Stopped group by group: nobody new comes in, work in hand ends, then what that work needed.
ORDER = (("web", "beat"), ("worker", "flower"), ("mail",))


class Stopped(BaseException):
    """Somebody asked for the end: Ctrl-C, SIGTERM or a closed terminal."""


@dataclass(frozen=True)
class Wishes:
    project: Path
    port: int
    data_dir: Path
    demo: str


class Supervisor:
    def __init__(self, wishes: Wishes, screen: Screen) -> None:
        self.wishes = wishes
        self.screen = screen
        self.folder = DataDir(wishes.data_dir)
        self.servers: embedded.Servers | None = None
        self.children: dict[str, Child] = {}
        self.environment: dict[str, str] = {}
        self._server_deaths: dict[str, int] = {}
        self._stopping = self._hurry = False

    def run(self) -> int:
        """Until it is asked to stop (0) or a child cannot be kept alive (1). Raises EmbeddedError before that."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        with ExitStack() as later:
            later.callback(self._stop)
            self.screen.say(f"Crasme privacy back office · data in {self.wishes.data_dir}", bold=True)
            self._start()
            return self._watch()

    # --- starting -------------------------------------------------------------------------------------------------
    def _start(self) -> None:
        ports = self._start_servers()
        database = self._database()
        if self.environment["DEBUG"].lower() not in ("1", "true", "yes", "on"):
            database.manage("collectstatic", "--noinput")
            self.screen.step("static files")
        self._launch("mail")
        if not database.is_current():
            self.screen.say("          migrating the database …")
            database.migrate()
            self.screen.step("migrations")
        # Not before its tables are there: whoever waits on this port would see a fault. Its imports take as long as the
        # first demo data.
        self._launch("web")
        self._fill(database)
        self._launch("worker")
        self._until_ready("web", "mail")
        self._announce(ports)
        self._launch("beat")

    def _start_servers(self) -> plan.Ports:
        own_database, own_broker = "DATABASE_URL" in os.environ, "BROKER_URL" in os.environ
        try:
            self.servers = embedded.start(self.wishes.data_dir, postgres=not own_database, valkey=not own_broker)
        except AlreadyRunning as error:
            address = self.folder.recall().get("web_port")
            where = f" at http://localhost:{address}/" if address else ""
            raise EmbeddedError(
                f"This data folder is running already{where} (process {error.pid}). Use that one, stop it with Ctrl-C, "
                f"or start another beside it: `PORT={self.wishes.port + 1} DATA_DIR=.local-2 make run`."
            ) from error
        instance = str(self.folder.recall()["id"])
        ended = leftovers.end(instance)
        if ended:
            self.screen.step(f"{ended} processes of an earlier start ended")
        self.screen.step(
            f"{'your database' if own_database else 'PostgreSQL'}, {'your broker' if own_broker else 'Valkey'}"
        )
        ports = self._choose_ports()
        self.environment = embedded.environment(self.wishes.data_dir) | os.environ
        self.environment |= {
            leftovers.MARK: instance,
            "DATA_DIR": str(self.folder.path),
            "PYTHONUNBUFFERED": "1",
            "FLOWER_BASIC_AUTH": f"{self.environment['FLOWER_USER']}:{self.environment['FLOWER_PASSWORD']}",
            "FLOWER_PERSISTENT": "0",
        }
        self.children = plan.children(ports, mail_spool=self.folder.path / "mail")
        return ports

    def _choose_ports(self) -> plan.Ports:
        port, known = self.wishes.port, self.folder.recall()
        if not processes.port_is_free(port):
            free = processes.free_port(*range(port + 1, port + 20))
            raise EmbeddedError(f"Port {port} is taken by another program. Choose another one: `PORT={free} make run`.")
        flower = processes.free_port(*range(port - 8000 + 5555, port - 8000 + 5575), avoid={port})
        mail = processes.free_port(int(known.get("mail_port", 0)), avoid={port, flower})
        self.folder.remember(web_port=port, flower_port=flower, mail_port=mail)
        return plan.Ports(web=port, flower=flower, mail=mail)

    def _database(self) -> Database:
        return Database(
            self.environment["DATABASE_URL"],
            project=self.wishes.project,
            environment=self.environment,
            logs=self.folder.logs,
        )

    def _fill(self, database: Database) -> None:
        """Demo data into an empty database; once more when an earlier filling was cut off."""
        if self.wishes.demo == "none":
            return
        if database.is_empty() or self.folder.recall().get("demo") == "begun":
            self.folder.remember(demo="begun")
            self.screen.say("          filling the empty database with demo data (DEMO=none leaves it empty) …")
            database.fill(self.wishes.demo)
            self.folder.remember(demo="done")
            self.screen.step("demo data")

    def _launch(self, *names: str) -> None:
        for name in names:
            self.children[name].start(logs=self.folder.logs, environment=self.environment, folder=self.wishes.project)

    def _until_ready(self, *names: str) -> None:
        while not all(self.children[name].is_ready for name in names):
            if self._look_after() is not None:
                raise EmbeddedError("Not everything could be started; the lines above say why.")
            time.sleep(PAUSE)

    def _announce(self, ports: plan.Ports) -> None:
        site = f"http://localhost:{ports.web}"
        environment = self.environment
        self.screen.say()
        self.screen.say("Ready.", bold=True)
        for title, address in (
            ("Public pages", f"{site}/"),
            ("Back office", f"{site}/admin/"),
            ("Received mail", f"{site}/inbox/"),
            ("API", f"{site}/api/docs/"),
            (
                "Task monitor",
                f"http://localhost:{ports.flower}/  {environment['FLOWER_USER']} / {environment['FLOWER_PASSWORD']}",
            ),
        ):
            self.screen.say(f"  {title:<14} {address}")
        if self.wishes.demo != "none":
            self.screen.say()
            self.screen.say("Demo sign-ins (local only, no second factor asked):")
            for person in SIGN_INS:
                self.screen.say(f"  {person.email:<28} {person.password:<13} {person.role}")
        self.screen.say()
        self.screen.say(f"Logs are in {self.folder.logs}. Ctrl-C stops everything.")

    # --- watching -------------------------------------------------------------------------------------------------
    def _watch(self) -> int:
        while True:
            code = self._look_after()
            if code is not None:
                return code
            time.sleep(PAUSE)

    def _look_after(self) -> int | None:
        """One round over servers and children; 1 when something cannot be kept alive."""
        if not self._mend_servers():
            return 1
        for child in self.children.values():
            if not child.launched:
                if child.after and self.children[child.after].is_ready:
                    self._launch(child.name)
                continue
            self.screen.follow(child.name, child.new_lines())
            if child.became_ready():
                self.screen.step(child.name)
            code = child.died()
            if code is not None and not self._plan_again(child, code):
                return 1
            if child.start_again_when_due():
                self.screen.step(f"{child.name} is starting again")
        return None

    def _plan_again(self, child: Child, code: int) -> bool:
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"stopped with code {code}"
        self.screen.problem(f"{child.name} {how}; {child.log} ends:\n{processes.last_lines(child.log)}")
        if child.deaths > LIMIT:
            self.screen.problem(f"{child.name} has died {child.deaths} times in a row. Stopping everything.")
            return False
        wait = child.next_start - time.monotonic()
        self.screen.say(f"          {child.name} starts again in {wait:.0f} s ({child.deaths} of {LIMIT})")
        return True

    def _mend_servers(self) -> bool:
        for server in self.servers.dead() if self.servers else ():
            self._server_deaths[server.name] = self._server_deaths.get(server.name, 0) + 1
            if self._server_deaths[server.name] > LIMIT:
                self.screen.problem(f"{server.name} has died {LIMIT + 1} times. Stopping everything.")
                return False
            self.screen.problem(f"{server.name} has died; {server.log} ends:\n{processes.last_lines(server.log)}")
            server.prepare()
            server.launch()
            server.wait()
            self.screen.step(f"{server.name} is back")
        return True

    # --- stopping -------------------------------------------------------------------------------------------------
    def _asked_to_stop(self, number: int, frame: types.FrameType | None) -> None:
        if self._stopping:
            self._hurry = True
            return
        self._stopping = True
        raise Stopped

    def _stop(self) -> None:
        self._stopping = True
        running = [child for child in self.children.values() if child.process is not None]
        if running:
            self.screen.say()
            self.screen.say("Stopping …")
        for group in ORDER:
            present = [child for child in running if child.name in group]
            for child in present:
                child.ask_to_stop()
            for child in present:
                if not child.stop(lambda: self._hurry):
                    self.screen.say(f"          {child.name} did not end in time and was killed")
        if self.servers is not None:
            known = self.folder.recall().get("id")
            if known:
                leftovers.end(str(known))
            self.servers.stop()
        if running:
            self.screen.step("stopped, nothing is left running")
