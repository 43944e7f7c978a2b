"""Sealing the ledger, verifying it, and proving that an entry is in it.

Every few minutes what is not sealed yet becomes a batch: the root of a Merkle tree over the entries' digests, signed,
and tied to the seal before it. So whoever keeps one seal's digest outside can tell later that nothing before it was
changed, taken out or slipped in; and whoever holds an entry and its path needs nobody's word that it was there.

What could go wrong: an entry whose transaction commits late is passed over (the database notes each entry as unsealed
in that same transaction, so none is found by its time), two sealers give two orders (a lock), or somebody who may write
into the database makes all seals anew (they lack the key, which is not there; whoever has both is found out by a digest
that was kept outside, as /.well-known/evidence-keys.json publishes it).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from crasme.kit import locks, merkle
from crasme.kit.canonical import digest
from crasme.ledger import signing
from crasme.ledger.models import Entry, Leaf, Seal
from crasme.ledger.services import digest_of

PURPOSE: Final = "ledger-seal"
AT_MOST: Final = 4096  # entries in one seal: a path of twelve steps
LATE: Final = timedelta(hours=1)  # what is older and not sealed yet shows that nobody seals
_PLACES = """
UPDATE ledger_leaf SET seal_id = %s, place = given.place - 1
FROM unnest(%s::uuid[]) WITH ORDINALITY AS given (entry, place) WHERE ledger_leaf.entry = given.entry
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as it was sealed. `seal` is 0 and `entry` "" where it lies with none."""

    words: str
    seal: int = 0
    entry: str = ""


def seal(now: datetime) -> list[Seal]:
    """Seal every entry that is not sealed yet, in batches; empty when there is none."""
    made = []
    while (one := _seal(now)) is not None:
        made.append(one)
    return made


def _seal(now: datetime) -> Seal | None:
    with transaction.atomic():
        locks.exclusive("ledger seal")
        waiting = Leaf.objects.filter(seal=None).order_by("entry").values_list("entry", flat=True)[:AT_MOST]
        entries = list(Entry.objects.filter(pk__in=list(waiting)).order_by("id").values_list("id", "digest"))
        if not entries:
            return None
        last = Seal.objects.first()
        one = Seal(
            number=last.number + 1 if last else 1,
            sealed_at=now,
            entries=len(entries),
            root=merkle.whole(merkle.leaf(each) for _id, each in entries),
            previous=last.digest if last else "",
            key=signing.public_key(PURPOSE),
        )
        one.digest, one.signature = digest(contents(one)), signing.sign(PURPOSE, contents(one))
        one.save(force_insert=True)
        with connection.cursor() as cursor:
            cursor.execute(_PLACES, [one.number, [number for number, _digest in entries]])
    return one


def contents(seal: Seal) -> dict[str, Any]:
    """What is signed, as JSON holds it."""
    return {
        "seal": seal.number,
        "sealed_at": seal.sealed_at.astimezone(UTC).isoformat(),
        "entries": seal.entries,
        "root": seal.root,
        "previous": seal.previous,
    }


def head() -> dict[str, Any] | None:
    """The newest seal with its digest and signature: what to keep elsewhere. None while nothing is sealed."""
    last = Seal.objects.first()
    return _signed(last) if last else None


def proof(entry: UUID) -> dict[str, Any] | None:
    """The seal that an entry is in, signed, with the path to its root; None while it is in none, or not all are there
    that were sealed with it."""
    leaf = Leaf.objects.filter(entry=entry).exclude(seal=None).select_related("seal").first()
    if leaf is None or leaf.seal is None or leaf.place is None:
        return None
    leaves = [merkle.leaf(each) for each in _digests(leaf.seal)]
    if len(leaves) != leaf.seal.entries:
        return None  # somebody took entries out, which `verify` names; no path leads to its root any more
    return _signed(leaf.seal) | {"path": [list(step) for step in merkle.path(leaves, leaf.place)]}


def proves(proof: Mapping[str, Any], *, entry: str) -> bool:
    """Whether a signed seal holds the entry of that digest, by nothing but the proof itself. That `key` is ours is for
    whoever asks to compare. KeyError, TypeError or ValueError for what is no proof."""
    content = {name: proof[name] for name in ("seal", "sealed_at", "entries", "root", "previous")}
    return (
        merkle.climbed(merkle.leaf(entry), proof["path"]) == content["root"]
        and digest(content) == proof["digest"]
        and signing.is_signed(content, signature=proof["signature"], key=proof["key"])
    )


def verify(now: datetime, *, known: tuple[int, str] | None = None) -> Iterator[Difference]:
    """Compute every seal and every entry anew, and name what differs. `known` is the number and digest of a seal that
    was kept outside."""
    ours, previous, expected = set(signing.keys(PURPOSE)), "", 1
    for one in Seal.objects.order_by("number").iterator(chunk_size=1000):
        if one.number != expected:
            yield Difference(f"The seals from {expected} to {one.number - 1} are gone.", seal=expected)
        if one.previous != previous:
            yield Difference("It is not tied to the seal before it.", seal=one.number)
        yield from _of_seal(one, ours)
        if known is not None and known == (one.number, known[1]) and known[1] != one.digest:
            yield Difference("It is not the one that was kept outside.", seal=one.number)
        previous, expected = one.digest, one.number + 1
    if known is not None and known[0] >= expected:
        yield Difference("A seal that was kept outside is not here.", seal=known[0])
    yield from _of_no_seal(now)


def _of_seal(one: Seal, ours: set[str]) -> Iterator[Difference]:
    if digest(contents(one)) != one.digest:
        yield Difference("Its content does not give its digest.", seal=one.number)
    if not signing.is_signed(contents(one), signature=one.signature, key=one.key):
        yield Difference("The signature is not one over it.", seal=one.number)
    elif one.key not in ours:
        yield Difference("It is signed with a key that is none of ours (EVIDENCE_FORMER_KEYS).", seal=one.number)
    places = list(Leaf.objects.filter(seal=one).order_by("place").values_list("entry", flat=True))
    entries = Entry.objects.in_bulk(places)
    for number in places:
        if (entry := entries.get(number)) is None:
            yield Difference("The entry is gone.", seal=one.number, entry=str(number))
        elif digest_of(entry) != entry.digest:
            yield Difference("The entry is not the one that was written.", seal=one.number, entry=str(number))
    leaves = [merkle.leaf(entries[number].digest) for number in places if number in entries]
    if len(leaves) != one.entries or merkle.whole(leaves) != one.root:
        yield Difference(f"Its {one.entries:,} entries are not those that were sealed.", seal=one.number)


def _of_no_seal(now: datetime) -> Iterator[Difference]:
    """What waits for a seal, or was never noted for one."""
    waiting = {str(number) for number in Leaf.objects.filter(seal=None).values_list("entry", flat=True)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entry.id FROM ledger_entry AS entry LEFT JOIN ledger_leaf AS leaf ON leaf.entry = entry.id"
            " WHERE leaf.entry IS NULL ORDER BY entry.id"
        )
        unnoted = [str(number) for (number,) in cursor.fetchall()]
    for number in unnoted:
        yield Difference("The entry is noted for no seal.", entry=number)
    for entry in Entry.objects.filter(pk__in=waiting).order_by("id").iterator():
        if digest_of(entry) != entry.digest:
            yield Difference("The entry is not the one that was written.", entry=str(entry.pk))
        elif entry.recorded_at < now - LATE:
            yield Difference("The entry has waited for more than an hour: nobody seals.", entry=str(entry.pk))
        waiting.discard(str(entry.pk))
    for number in sorted(waiting):
        yield Difference("The entry is gone before it was sealed.", entry=number)


def _digests(seal: Seal) -> list[str]:
    """Of its entries, in their order."""
    places = list(Leaf.objects.filter(seal=seal).order_by("place").values_list("entry", flat=True))
    found = dict(Entry.objects.filter(pk__in=places).values_list("id", "digest"))
    return [found[number] for number in places if number in found]


def _signed(seal: Seal) -> dict[str, Any]:
    return contents(seal) | {"digest": seal.digest, "key": seal.key, "signature": seal.signature}
