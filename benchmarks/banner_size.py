"""How many bytes a visitor waits for before they can answer: ours as served, and four others as published.

Ours is all of it: both scripts, the style sheet and the banner's HTML with texts and categories. Theirs is what a page
must load of their packages: script, style sheet and English words, without the site's own configuration, which comes on
top. The packages are fetched by npm into a temporary folder for this measurement alone, in their newest version.
"""

import gzip
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import brotli
from django.contrib.staticfiles import finders

from benchmarks.figures import Figure
from consent import look, notices
from crasme.kit.statics import squeeze, squeeze_sheet

ROWS = 1
PATIENCE = 180
FILES = ("consent/boot.js", "consent/consent.js", "consent/consent.css")
# Which files of a package a page needs.
PEERS = {
    "klaro": ("dist/klaro.js",),  # brings its style sheet along
    "vanilla-cookieconsent": ("dist/cookieconsent.umd.js", "dist/cookieconsent.css"),
    "tarteaucitronjs": (
        "tarteaucitron.min.js",
        "tarteaucitron.services.min.js",
        "css/tarteaucitron.min.css",
        "lang/tarteaucitron.en.min.js",
    ),
    "orejime": ("dist/orejime-standard-en.js", "dist/orejime-standard.css"),
}


def run(rows: int) -> Iterator[Figure]:
    """Bytes by gzip and by Brotli, each against the smallest of the others."""
    parts = [_served(name).encode() for name in FILES]
    parts.append(look.markup(notices.current("en")).encode())
    peers = dict(_peers())
    for how, pack in (("gzip", _gzip), ("brotli", _brotli)):
        sizes = {name: sum(map(pack, files)) for name, files in peers.items()}
        others = ", ".join(f"{name} {size}" for name, size in sizes.items()) or "none of the others is installable here"
        least = float(min(sizes.values(), default=0))
        first = f"{pack(parts[0])} of them before anything is drawn; " if how == "gzip" else ""
        yield Figure(f"banner_size_{how}", sum(map(pack, parts)), "bytes", least, rows, first + others)


def _served(name: str) -> str:
    text = Path(str(finders.find(name))).read_text()
    return squeeze_sheet(text) if name.endswith(".css") else squeeze(text)


def _gzip(content: bytes) -> int:
    return len(gzip.compress(content, 9))


def _brotli(content: bytes) -> int:
    return len(brotli.compress(content))


def _peers() -> Iterator[tuple[str, list[bytes]]]:
    """Name with version → the files' contents; those that npm cannot fetch are left out."""
    if shutil.which("npm") is None:
        return
    for name, wanted in PEERS.items():
        with tempfile.TemporaryDirectory(prefix="crasme-bench-") as folder:
            try:
                done = subprocess.run(
                    ["npm", "pack", "--silent", name],
                    cwd=folder,
                    capture_output=True,
                    check=False,
                    text=True,
                    timeout=PATIENCE,
                )
            except subprocess.TimeoutExpired:
                continue
            if done.returncode:
                continue
            package = Path(folder) / done.stdout.strip().splitlines()[-1]
            with tarfile.open(package) as archive:
                files = [archive.extractfile(f"package/{path}") for path in wanted]
                yield package.stem, [file.read() for file in files if file]
