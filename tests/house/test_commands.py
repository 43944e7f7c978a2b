"""Every command of ours explains itself and does something when it is run."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from pytest_django import Settings

import manage
from crasme.embedded.processes import free_port

pytestmark = pytest.mark.django_db
ROOT: Final = Path(__file__).parents[2]
OURS: Final = ("crasme", "consent", "retention", "privacy")
COMMANDS: Final = {name: app for name, app in get_commands().items() if str(app).split(".")[0] in OURS}


def is_json(text: str) -> bool:
    return bool(json.loads(text))


def is_json_lines(text: str) -> bool:
    return all(json.loads(line) for line in text.splitlines())


# What to run, and what its output must satisfy. A new command fails here until somebody adds its line.
RUNS: Final[dict[str, tuple[list[str], Callable[[str], bool]]]] = {
    "backups": (["list"], lambda text: not text),
    "cards": (["scan"], lambda text: "No card number" in text),
    "erasures": (["status", "--json"], is_json),
    "faults": (["check", "--json"], is_json),
    "ledger": (["verify"], lambda text: "0 differences" in text),
    "promises": (["--json"], is_json),
    "requests": (["clock", "--received-on", "2026-01-31", "--regime", "eu", "--json"], is_json),
    "retention": (["plan", "--json"], is_json_lines),
    "rotate_keys": ([], lambda text: True),
    "suppression": (["status"], lambda text: text == "pepper 1: 0 rows, current.\n"),
}
# Run by tests of their own: they take long, or write into the source tree.
ELSEWHERE: Final = {
    "cookies": "tests/consent/test_scan.py",
    "demo": "tests/house/test_demo.py",
    "languages": "tests/privacy/test_languages.py",
}


def test_every_command_is_known_here() -> None:
    assert set(COMMANDS) == set(RUNS) | set(ELSEWHERE)
    assert [place for place in ELSEWHERE.values() if not (ROOT / place).is_file()] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_it_explains_itself(name: str) -> None:
    command = load_command_class(COMMANDS[name], name)
    text = command.create_parser("manage.py", name).format_help()
    assert command.help, f"{name} has no help"
    assert str(command.help)[:20] in text


@pytest.mark.parametrize("name", sorted(RUNS))
def test_it_runs(name: str, capsys: pytest.CaptureFixture[str], settings: Settings, tmp_path: Path) -> None:
    settings.PACKAGE_DIR = settings.BACKUP_DIR = tmp_path
    arguments, satisfied = RUNS[name]
    try:
        call_command(name, *arguments)
    except SystemExit as ended:
        # "promises" says by its status that one is broken, as an empty installation's backups are.
        assert (name, ended.code) == ("promises", 1)  # noqa: PT017
    assert satisfied(capsys.readouterr().out)


def test_a_command_beside_a_start_elsewhere_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "not-there")}
    told = subprocess.run(
        [sys.executable, ROOT / "manage.py", "promises"], env=bare, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert "set the same DATA_DIR" in told.stderr
    assert "Traceback" not in told.stderr

    # The database that it is told of is not there; in this process, because another one loads for seconds.
    away = DatabaseWrapper(connection.settings_dict | {"HOST": "127.0.0.1", "PORT": str(free_port())})
    monkeypatch.setattr(manage, "connection", away)
    monkeypatch.setattr(manage, "execute_from_command_line", lambda _arguments: away.ensure_connection())
    monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])
    with pytest.raises(SystemExit, match=r"(?s)cannot be reached: .*refused.*set the same DATA_DIR"):
        manage.main()
