"""Files that wait for an import to be confirmed."""

import os

import pytest
from pytest_django import Settings

from crasme.staff import uploads
from crasme.staff.uploads import EncryptedUpload

CANARY = "canary-7f3a@customer.example"


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path) -> None:
    settings.DATA_DIR = tmp_path


def kept(data: bytes | str = CANARY.encode()) -> EncryptedUpload:
    upload = EncryptedUpload()
    upload.save(data)
    return upload


def test_what_was_saved_comes_back_by_its_name() -> None:
    name = kept().name
    assert EncryptedUpload(name=name, read_mode="rb").read() == CANARY.encode()
    assert EncryptedUpload(name=name, read_mode="r", encoding="utf-8").read() == CANARY


def test_it_is_unreadable_on_the_disk_and_private() -> None:
    kept()
    (path,) = uploads.folder().iterdir()
    assert CANARY.encode() not in path.read_bytes()
    assert (path.stat().st_mode & 0o777, uploads.folder().stat().st_mode & 0o777) == (0o600, 0o700)


def test_it_goes_when_it_was_used() -> None:
    upload = kept()
    upload.remove()
    upload.remove()
    assert list(uploads.folder().iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "", "x.upload", "..%2f"])
def test_a_name_from_the_browser_leads_nowhere_else(name: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        EncryptedUpload(name=name, read_mode="rb").read()


def test_what_nobody_came_back_for_goes_after_a_day() -> None:
    old = kept()
    (path,) = uploads.folder().iterdir()
    os.utime(path, (0, path.stat().st_mtime - uploads.KEPT_FOR - 1))
    young = kept()
    assert [path.stem for path in uploads.folder().iterdir()] == [young.name]
    assert old.name != young.name
