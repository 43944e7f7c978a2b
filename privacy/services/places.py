"""Where a value stands, and what it is remembered by when it is not kept."""

from crasme.kit.crypto import keyed_hash
from privacy.models import Correction

# Label of the table, key of the row, name of the field.
Place = tuple[str, str, str]


def place_of(correction: Correction) -> Place:
    return correction.label, correction.row, correction.field


def normal(value: str) -> str:
    """Line ends as they are stored; browsers send others."""
    return value.replace("\r\n", "\n").strip()


def digest(place: Place, value: str) -> str:
    """A keyed hash: the same value gives the same one, in this place only."""
    return keyed_hash("privacy.correction", "\0".join((*place, value)))
