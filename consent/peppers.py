"""Exchanging the key of the suppression list, without anybody on it being forgotten.

While two peppers are named, the gate asks under both, and a row of the former one gets the new hash as soon as its
address is seen: by the gate, or by `manage.py suppression rehash`, which shows it every address that is stored here.

What could go wrong: the former key is taken away while rows still need it. `manage.py suppression status` counts them.
"""

from collections.abc import Iterable
from itertools import batched
from typing import Final

from django.db import connection, transaction
from django.db.models import Count

from consent.models import Suppression
from consent.models.addresses import current_version, hashes_of, normalise, versions

AT_ONCE: Final = 5_000
_TABLE = Suppression._meta.db_table
# Whoever is on the list under the new key already needs the former row no longer.
_DOUBLED = f"""
DELETE FROM {_TABLE} AS old USING unnest(%s::text[], %s::text[]) AS pair(former, fresh), {_TABLE} AS new
WHERE old.address = pair.former AND old.key_version = %s
    AND new.address = pair.fresh AND new.key_version = %s AND new.scope = old.scope AND new.channel = old.channel
"""  # noqa: S608
_MOVED = f"""
UPDATE {_TABLE} AS old SET address = pair.fresh, key_version = %s
FROM unnest(%s::text[], %s::text[]) AS pair(former, fresh) WHERE old.address = pair.former AND old.key_version = %s
"""  # noqa: S608


def rehash(addresses: Iterable[str]) -> int:
    """Give the rows of these addresses the current pepper's hash; how many were of a former one."""
    moved, fresh_version = 0, current_version()
    for some in batched(dict.fromkeys(map(normalise, addresses)), AT_ONCE):
        fresh = hashes_of(some)
        for version in versions()[1:]:
            former = hashes_of(some, version)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_DOUBLED, [former, fresh, version, fresh_version])
                moved += cursor.rowcount
                cursor.execute(_MOVED, [fresh_version, former, fresh, version])
                moved += cursor.rowcount
    return moved


def standing() -> dict[int, int]:
    """Version → rows on the list that were made with it, those of no pepper in use included."""
    counted = Suppression.objects.order_by("key_version").values_list("key_version").annotate(rows=Count("pk"))
    return dict.fromkeys(versions(), 0) | dict(counted)
