"""The benchmarks run, and say what they say in the agreed form. Their figures are not judged here."""

import json
import os
from pathlib import Path

import pytest
from django.db import connection

import benchmarks
from benchmarks import __main__ as harness, changelist, cold_start, ingest
from benchmarks.figures import Figure

KEYS = ["name", "value", "unit", "baseline", "ratio", "rows", "note"]
NO_BENCHMARKS = {"__init__", "__main__", "figures"}


def read(figure: Figure) -> dict[str, object]:
    line = figure.line()
    assert "\n" not in line
    said = json.loads(line)
    assert list(said) == KEYS
    assert said["baseline"] > 0
    assert said["ratio"] == pytest.approx(said["value"] / said["baseline"], rel=0.2, abs=0.001)
    return said


def test_every_file_is_a_benchmark_that_the_harness_knows() -> None:
    files = {file.stem for file in Path(benchmarks.__file__).parent.glob("*.py")}
    assert files - NO_BENCHMARKS == set(harness.NAMES)
    assert all(module.ROWS > 0 for module in (changelist, cold_start, ingest))


def test_an_unknown_name_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "sleep"])
    with pytest.raises(SystemExit) as ended:
        harness.main()
    assert ended.value.code == 2
    assert "There are: cold_start, ingest, changelist." in capsys.readouterr().err


def test_without_a_baseline_there_is_no_ratio() -> None:
    assert json.loads(Figure("x", 1.0, "s", 0.0, 1, "none").line())["ratio"] is None


@pytest.mark.django_db(transaction=True)
def test_ingest(monkeypatch: pytest.MonkeyPatch) -> None:
    server, name = os.environ["DATABASE_URL"].rpartition("/")[0], connection.settings_dict["NAME"]
    monkeypatch.setenv("DATABASE_URL", f"{server}/{name}")  # for the web server that it starts
    monkeypatch.setattr(ingest, "CALL", 40)
    (said,) = [read(figure) for figure in ingest.run(100)]
    assert (said["name"], said["unit"], said["rows"]) == ("ingest", "events/s", 100)


@pytest.mark.django_db
def test_changelist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changelist, "TURNS", 1)
    monkeypatch.setattr(changelist, "TIMES", 1)
    said = {figure["name"]: figure for figure in map(read, changelist.run(120))}
    assert list(said) == [f"changelist_{name}" for name in ("page", "queries", "all", "search", "filter")]
    assert said["changelist_queries"]["value"] < said["changelist_queries"]["baseline"]
