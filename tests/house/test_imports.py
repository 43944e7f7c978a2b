"""The house stands as drawn: rooms import downwards only, checked over every import, those in functions included."""

from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]


def test_rooms_import_downwards_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_nothing_that_ships_imports_the_tests() -> None:
    ours = [path for room in ("crasme", "privacy", "retention", "consent") for path in (ROOT / room).rglob("*.py")]
    assert len(ours) > 100
    guilty = [path for path in ours if any(line.startswith(("from tests", "import tests")) for line in _lines(path))]
    assert guilty == []


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text().splitlines()]
