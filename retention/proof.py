"""Showing that given rows went, and when: the keys of one batch lead to the root that the run's ledger entry holds.

What could go wrong: a proof that proves less than it seems to. The keys must be the whole batch, from a backup or
another copy that is still there; of a batch whose keys nobody has, no row can be shown to have been in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crasme.kit import merkle
from retention.engine import digests
from retention.errors import NoSuchBatch
from retention.models import Run


@dataclass(frozen=True, slots=True)
class Proof:
    """`leaf` is SHA-256 of a zero byte, then table, rows and digest, parted by line feeds; a step of `path` is joined
    on its side, as SHA-256 of a one byte, left and right. What comes out is `root`, the run's digest."""

    run: str
    rule: str
    cutoff: str
    batch: int
    table: str
    rows: int
    digest: str
    leaf: str
    path: list[tuple[str, str]]
    root: str


def prove(run: Run, keys: Iterable[Any]) -> Proof:
    """The way from these keys, all of one batch and in any order, to the root. NoSuchBatch when they are no batch."""
    key = run.rule.model._meta.pk
    try:
        digest = digests.of_keys([key.to_python(each) for each in keys])
    except ValidationError:
        raise NoSuchBatch(_("These are no keys of the rule's table.")) from None
    batches = list(run.batches.order_by("number"))
    leaves = [digests.leaf(each.label, each.rows, each.digest) for each in batches]
    for place, batch in enumerate(batches):
        if batch.digest == digest:
            way = merkle.path(leaves, place)
            return Proof(
                run=str(run.pk),
                rule=run.rule.slug,
                cutoff=run.cutoff.isoformat(),
                batch=batch.number,
                table=batch.label,
                rows=batch.rows,
                digest=digest,
                leaf=leaves[place],
                path=way,
                root=merkle.climbed(leaves[place], way),
            )
    raise NoSuchBatch(_("No batch of this run was made of exactly these rows."))
