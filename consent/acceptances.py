"""Texts that accounts are told of, accept or decline: the same ledger of choices as cookies, for whoever owns the text.

What could go wrong: a retry counts twice (the sender's UUIDv7 is the key, and being told of a version is one row), an
old acceptance that arrives late overrides a newer refusal (what counts goes by when people decided).
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from consent.errors import BadChoice
from consent.inserts import insert_once
from consent.models import Acceptance
from crasme.kit.ids import uuid7_instant

Act = Acceptance.Act


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account did about a document: the newest explicit act, and the versions that it was told of."""

    last: Acceptance | None
    told: frozenset[str]

    @property
    def accepted(self) -> str:
        """The version that is accepted now; "" when none is, or when the last act was to decline."""
        return self.last.version if self.last is not None and self.last.act == Act.ACCEPTED else ""


def note(
    *,
    act_id: uuid.UUID,
    account: uuid.UUID,
    document: str,
    version: str,
    sha256: str,
    act: str,
    surface: str,
    language: str,
    decided_at: datetime,
    now: datetime,
) -> bool:
    """Store one act; False when it was stored before. `decided_at` later than `now` counts as `now`. BadChoice for an
    id that is no UUIDv7, an unknown act or surface, or an id under which something else was stored."""
    if act not in Act.values or surface not in Acceptance.Surface.values:
        raise BadChoice("This is not a way in which a text can be accepted here.")
    try:
        uuid7_instant(act_id)
    except ValueError:
        raise BadChoice("The act has no usable id.", remedy="Send a UUID of version 7.") from None
    row = Acceptance(
        id=act_id,
        account=account,
        document=document,
        version=version,
        sha256=sha256,
        act=act,
        surface=surface,
        language=language[:8],
        decided_at=min(decided_at, now),
        received_at=now,
    )
    row.digest = row.computed_digest()
    if insert_once(row):
        return True
    stored = Acceptance.objects.filter(id=act_id).first()
    if stored is not None and (stored.account, stored.version, stored.act) != (account, version, act):
        raise BadChoice("Something else was stored under this id.", remedy="Make a new id for each act.")
    return False


def standing(account: uuid.UUID, document: str) -> Standing:
    """Two acts in the same instant: declining counts."""
    rows = list(Acceptance.objects.filter(account=account, document=document))
    explicit = [row for row in rows if row.act != Act.TOLD]
    last = max(explicit, key=lambda row: (row.decided_at, row.act == Act.DECLINED, row.id), default=None)
    return Standing(last, frozenset(row.version for row in rows if row.act == Act.TOLD))
