"""The verbs of the ledger: what may be recorded, and with which facts.

Rooms register theirs in a `verbs.py` of their own. The list lives in code, not in `choices`: a new verb must not
cost a migration, and an old one stays readable for ever.
"""

from dataclasses import dataclass

from crasme.ledger.errors import LedgerError


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    meaning: str
    facts: frozenset[str]


_verbs: dict[str, Verb] = {}


def register(name: str, meaning: str, *, facts: tuple[str, ...] = ()) -> Verb:
    """Declare a verb, e.g. `register("retention.purged", "A rule ended rows.", facts=("rule", "rows"))`."""
    verb = Verb(name, meaning, frozenset(facts))
    if _verbs.get(name, verb) != verb:
        raise LedgerError(f"The verb {name} is registered twice with different facts.")
    _verbs[name] = verb
    return verb


def known(name: str) -> Verb | None:
    return _verbs.get(name)


def verbs() -> list[Verb]:
    return sorted(_verbs.values(), key=lambda verb: verb.name)
