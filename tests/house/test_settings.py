"""The settings as production loads them: what is missing is named at once, what is written loosely does no harm."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
COMPLETE = {
    "SECRET_KEY": "x" * 50,
    "DATABASE_URL": "postgres://crasme:secret@db.example.com/crasme",
    "BROKER_URL": "redis://cache.example.com/0",
    "ALLOWED_HOSTS": "privacy.example.com",
    "EMAIL_URL": "smtp+tls://user:password@mail.example.com:587",
    "FIELD_KEYS": "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBieXRlcyE=",
    "SUBJECT_KEY": "00" * 32,
    "SITE_URL": "https://privacy.example.com",
}


def loaded(expression: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """`expression` of the settings module `s`, printed by a fresh process that has nothing else in its environment."""
    variables = {"PATH": os.environ["PATH"]} | {name: value for name, value in (COMPLETE | changed).items() if value}
    program = [sys.executable, "-c", f"from crasme import settings as s; print({expression})"]
    return subprocess.run(program, cwd=PROJECT, env=variables, capture_output=True, text=True, check=False)


def test_everything_that_is_missing_is_named_at_once() -> None:
    failed = loaded("s.DEBUG", **dict.fromkeys(COMPLETE, ""))
    assert failed.returncode != 0
    assert all(f"  {name} " in failed.stderr for name in COMPLETE)


def test_a_slash_behind_the_site_s_address_spoils_neither_links_nor_origins() -> None:
    found = loaded("s.SITE_URL, s.CSRF_TRUSTED_ORIGINS", SITE_URL="https://privacy.example.com/")
    assert found.stdout.strip() == "https://privacy.example.com ['https://privacy.example.com']"


def test_nothing_that_helps_development_is_open_in_production() -> None:
    found = loaded("s.DEBUG, s.DEMO_SIGN_INS, s.SESSION_COOKIE_SECURE, s.SECURE_SSL_REDIRECT", DEMO_SIGN_INS="1")
    assert found.stdout.strip() == "False False True True"
