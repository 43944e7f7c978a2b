"""Lines of usage events a second that are looked through for card numbers, against parsing the same lines as JSON.

Every line that comes in is looked at before it is parsed, so the look must cost less than the parsing that follows.
"""

import json
from collections.abc import Iterator

from benchmarks.figures import Figure, seconds
from crasme.kit.cardnumbers import may_hold

ROWS = 100_000
EVENT = {
    "id": "0192f1c4-7a3b-7c12-8f00-1a2b3c4d5e6f",
    "at": "2026-11-22T13:00:00.123456Z",
    "kind": "page",
    "name": "deals/board",
    "ip": "192.168.100.200",
    "seconds": 12.25,
    "filters": {"stage": "won", "owner": "me", "page": 3},
}


def run(rows: int) -> Iterator[Figure]:
    """Lines a second, on one core."""
    lines = [json.dumps(EVENT).encode()] * rows
    suspected: list[bool] = []
    looked = seconds(lambda: suspected.extend(map(may_hold, lines)))
    if any(suspected):
        raise RuntimeError("a line without a card number is suspected, and would be looked at twice")
    parsed = seconds(lambda: [json.loads(line) for line in lines])
    yield Figure("card_scan", rows / looked, "lines/s", rows / parsed, rows, "against json.loads of the same lines")
