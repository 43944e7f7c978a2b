"""Static files as they are served: what visitors wait for is stored without its comments and indentation.

What could go wrong: a shrinker that understands too little breaks a script. So this one touches only the folders that
are named here, whose files keep to its terms (no "/*" inside a text, no text over several lines), and the browser
tests of the banner run on what it makes.
"""

import re
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

SQUEEZED = ("consent/",)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AROUND = re.compile(r"\s*([{};,])\s*|(?<=:)\s+")


def squeeze(text: str) -> str:
    """A script without comments, indentation and empty lines; the line ends stay, they end statements."""
    return "\n".join(line.strip() for line in _COMMENT.sub("", text).splitlines() if line.strip())


def squeeze_sheet(text: str) -> str:
    """A style sheet without comments and the space that means nothing."""
    return _AROUND.sub(r"\1", squeeze(text)).replace(";}", "}")


class Storage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage (hashed names, gzip and Brotli beside), behind `squeeze` for the folders in SQUEEZED."""

    def _save(self, name: str, content: Any) -> str:
        if name.startswith(SQUEEZED) and name.endswith((".js", ".css")):
            shrink = squeeze_sheet if name.endswith(".css") else squeeze
            content = ContentFile(shrink(content.read().decode()).encode())
        saved: str = super()._save(name, content)
        return saved
