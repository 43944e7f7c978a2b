"""One way to write JSON, so that equal contents have equal digests.

What could go wrong: two places that differ in a blank or in how they escape an umlaut, and evidence that no longer
verifies. Stored digests depend on every byte of this form: it never changes, a second form would get a name of its own.
"""

import hashlib
import json
from typing import Any


def canonical(content: Any) -> str:
    """JSON with sorted keys, no spaces and no escapes but the necessary ones. Lists keep their order."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(content: Any) -> str:
    """SHA-256 in hex over the canonical form in UTF-8."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()
