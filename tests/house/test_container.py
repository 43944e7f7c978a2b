"""The image and the composition name only what exists, and what they start does start, here, without an engine.

No engine is at hand to build them, so the Dockerfile is read instruction by instruction and compose.yaml as YAML.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery.bin.celery import celery
from click.testing import CliRunner
from django.conf import settings
from django.db import connection

from crasme import probe
from crasme.embedded import processes
from crasme.run import plan

PROJECT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
OWN_IMAGES = {"postgres", "valkey"}
SECRETS = {"SECRET_KEY", "SUBJECT_KEY", "FIELD_KEYS", "EMAIL_URL", "DATABASE_URL", "BROKER_URL"}


def instructions() -> list[tuple[str, str]]:
    """(instruction, rest) of the Dockerfile, with continued lines joined."""
    lines = [line for line in (PROJECT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(words[0], words[1]) for words in (line.split(None, 1) for line in text.splitlines() if line.strip())]


def named(instruction: str) -> list[str]:
    return [rest for name, rest in instructions() if name == instruction]


def composition() -> dict[str, Any]:
    return dict(yaml.safe_load((PROJECT / "compose.yaml").read_text()))


def services() -> dict[str, dict[str, Any]]:
    return dict(composition()["services"])


def own_commands() -> list[list[str]]:
    """Every command line that runs inside our own image: of services, of health checks and of the image itself."""
    found = [json.loads(named("CMD")[-1]), json.loads(named("HEALTHCHECK")[-1].partition("CMD ")[2])]
    for name, service in services().items():
        if name in OWN_IMAGES:
            continue
        found += [service["command"]] if "command" in service else []
        test = service.get("healthcheck", {}).get("test")
        if test:
            assert test[0] == "CMD"
            found.append(test[1:])
    return found


def in_image(path: str) -> bool:
    """True when .dockerignore lets `path` into the build: the last pattern that matches decides."""
    allowed = True
    for line in (PROJECT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, allow = line.removeprefix("!"), line.startswith("!")
            pieces = [path, *map(str, Path(path).parents)]
            if any(fnmatch(piece, pattern) for piece in pieces) or pattern == "*":
                allowed = allow
    return allowed


def test_the_dockerfile_passes_its_linter() -> None:
    linter = BIN / "hadolint"
    done = subprocess.run([linter, PROJECT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_everything_copied_exists_and_is_let_into_the_build() -> None:
    sources = [
        word
        for rest in named("COPY")
        if not rest.startswith("--from")
        for word in shlex.split(rest)[:-1]
        if word != "."
    ]
    assert "requirements/production.txt" in sources
    for source in (*sources, "manage.py", "crasme/settings.py", "privacy", "retention", "consent", "templates"):
        assert (PROJECT / source).exists(), source
        assert in_image(source), f".dockerignore keeps {source} out"
    for secret in (".env", ".local/secrets.json", ".git/config", "tests/conftest.py", ".venv/pyvenv.cfg"):
        assert not in_image(secret), f".dockerignore lets {secret} in"


def test_every_app_and_module_that_settings_name_is_let_into_the_build() -> None:
    for app in settings.INSTALLED_APPS:
        part = app.partition(".")[0]
        if (PROJECT / part).is_dir():
            assert in_image(part), app
    assert in_image(settings.ROOT_URLCONF.replace(".", "/") + ".py")


def test_the_image_runs_as_nobody_special_and_holds_no_secret() -> None:
    assert named("USER") == ["10001"]
    assert all(image.partition(" ")[0].count(":") == 1 for image in named("FROM")), "an image without a version"
    for rest in (*named("ENV"), *named("ARG")):
        assert not any(secret in rest for secret in SECRETS)
    installs = [rest for rest in named("RUN") if "install" in rest and ".txt" in rest]
    assert installs
    assert all(rest.count("--require-hashes") == rest.count(".txt") for rest in installs)


def test_every_program_is_installed_by_the_requirements() -> None:
    for command in own_commands():
        assert command[0] == "python" or (BIN / command[0]).exists(), command[0]


@pytest.mark.slow
@pytest.mark.parametrize("command", [words for words in own_commands() if words[0] != "celery"], ids=" ".join)
def test_every_command_is_known_with_its_options(command: list[str]) -> None:
    program = str(BIN / command[0])
    done = subprocess.run([program, *command[1:], "--help"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()


@pytest.mark.slow
@pytest.mark.parametrize("command", [words for words in own_commands() if words[0] == "celery"], ids=" ".join)
def test_every_celery_command_is_known_with_its_options(command: list[str]) -> None:
    answer = CliRunner().invoke(celery, [*command[1:], "--help"])
    assert answer.exit_code == 0, answer.output
    assert "Usage: " in answer.output


@pytest.mark.slow
def test_static_files_are_collected_as_the_build_does_it(tmp_path: Path) -> None:
    run = next(rest for rest in named("RUN") if "collectstatic" in rest).partition(" && ")[0]
    words = shlex.split(run)
    assert words[0] == "env"
    variables = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    assert words[words.index("manage.py") - 1] == "/opt/venv/bin/python"
    done = subprocess.run(
        [sys.executable, *words[words.index("manage.py") :], "--dry-run"],
        cwd=PROJECT,
        env={"PATH": os.defpath, "STATIC_ROOT": str(tmp_path / "static"), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d+ static files copied", done.stdout)


def test_the_composition_starts_every_part_the_product_has() -> None:
    found = services()
    served: list[str] = []
    for service in found.values():
        command = service.get("command", [])
        if "worker" in command:
            served += command[command.index("--queues") + 1].split(",")
    assert sorted(served) == sorted(plan.QUEUES.split(",")), "each queue is served by one worker service"
    assert {"web", "beat", "flower", "migrate", *OWN_IMAGES} <= found.keys()
    assert [name for name, service in found.items() if "beat" in service.get("command", [])] == ["beat"]
    assert "FLOWER_PASSWORD" in found["flower"]["environment"]["FLOWER_BASIC_AUTH"]


def test_every_service_is_confined_and_watched() -> None:
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert "/tmp" in service["tmpfs"], name  # noqa: S108
        assert "healthcheck" in service, name
        assert not service.get("privileged"), name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} is open to the network without TLS"
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in composition()["volumes"], name
        for other in service.get("depends_on", {}):
            assert other in services(), name


def test_a_health_check_asks_the_very_worker_of_its_service() -> None:
    for name, service in services().items():
        command = service.get("command", [])
        if "worker" in command:
            own_name = command[command.index("--hostname") + 1].replace("%h", service["hostname"])
            assert service["healthcheck"]["test"][-1] == own_name, name


A_NAME = "AUTHSERV_ID"  # of a mail server, as it writes it into every mail that it takes


def test_no_secret_has_a_value_in_the_composition() -> None:
    example = dict(re.findall(r"^(\w+)=(.*)$", (PROJECT / ".env.example").read_text(), re.MULTILINE))
    for name, service in services().items():
        for variable, value in service.get("environment", {}).items():
            if variable in SECRETS or "PASSWORD" in variable or "AUTH" in variable.replace(A_NAME, ""):
                wanted = re.findall(r"\$\{(\w+):\?[^}]+\}", value)
                assert wanted, f"{name}: {variable} has a value of its own or may be empty"
                assert set(wanted) <= example.keys(), f"{name}: .env.example does not know {wanted}"
    assert not any(value for variable, value in example.items() if variable != "BEHIND_PROXY")


@pytest.mark.slow
@pytest.mark.django_db
def test_the_image_s_server_starts_in_production_and_its_probe_agrees(tmp_path: Path) -> None:
    port = processes.free_port()
    command = [word.replace("0.0.0.0", "127.0.0.1") for word in json.loads(named("CMD")[-1])]  # noqa: S104
    command[command.index("--port") + 1] = str(port)
    command[command.index("--workers") + 1] = "1"
    variables = {
        **{name: os.environ[name] for name in ("SECRET_KEY", "SUBJECT_KEY", "FIELD_KEYS", "BROKER_URL")},
        "DATABASE_URL": f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}",
        "ALLOWED_HOSTS": "privacy.example.com",
        "SITE_URL": "https://privacy.example.com",
        "EMAIL_URL": "smtp+tls://user:password@mail.example.com:587",
        "DATA_DIR": str(tmp_path),
    }
    asked = [sys.executable, "-m", "crasme.probe", "--port", str(port), "--path"]
    child = processes.spawn(
        [str(BIN / command[0]), *command[1:]], log=tmp_path / "web.log", environment=variables, folder=PROJECT
    )
    try:
        assert processes.wait_until(lambda: plan.listens(port) or child.poll() is not None, 30)
        done = subprocess.run([*asked, "/health/ready/"], cwd=PROJECT, env=variables, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode() + processes.last_lines(tmp_path / "web.log")
        refused = subprocess.run([*asked, "/"], cwd=PROJECT, env=variables, capture_output=True, check=False)
        assert refused.returncode == 1, "pages must be sent to TLS"
    finally:
        processes.stop_child(child, processes.SOFTLY)
    assert probe.main(["--port", str(port)]) == 1
