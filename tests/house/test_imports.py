"""The house stands as drawn: rooms import downwards only, checked over every import, those in functions included."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# In a process of its own: it sets up logging for itself and switches off every logger that was there before.
LINT = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"


def test_rooms_import_downwards_only() -> None:
    done = subprocess.run([sys.executable, "-c", LINT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_that_ships_imports_the_tests() -> None:
    ours = [path for room in ("crasme", "privacy", "retention", "consent") for path in (ROOT / room).rglob("*.py")]
    assert len(ours) > 100
    guilty = [path for path in ours if any(line.startswith(("from tests", "import tests")) for line in _lines(path))]
    assert guilty == []


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text().splitlines()]
