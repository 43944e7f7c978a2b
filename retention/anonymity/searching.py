"""What comes of looking for people by what is known of them: shares for the report, and a finding where these are high.

What could go wrong: a finding that names every column (each is tried by itself beside those that others may know; only
when none of them does it alone, all are named).
"""

from retention.anonymity import nearest
from retention.anonymity.measuring import Measured
from retention.anonymity.nearest import Attempt, Column
from retention.anonymity.report import Finding, Question, Search


def search_for(measured: Measured) -> tuple[Search, list[Finding]]:
    """The figures of the search, and what it found."""
    decision = measured.decision
    further = tuple(dict.fromkeys((*decision.sensitive, *decision.harmless)))
    further = tuple(name for name in further if name not in decision.quasi)
    names = (*decision.quasi, *further)
    columns = [
        Column(measured.model._meta.get_field(name), measured.changes.get(name), measured.after[name]) for name in names
    ]
    quasi, every = tuple(range(len(decision.quasi))), tuple(range(len(names)))

    def right(*attempts: Attempt) -> list[nearest.Share]:
        return nearest.shares(measured.rows, columns, measured.pending, list(attempts))

    guessed, exactly, roughly = right(Attempt(quasi), Attempt(every), Attempt(every, roughly=True))
    search = Search(
        tried=exactly.tried,
        guessed=guessed.right,
        exactly=exactly.right,
        roughly=roughly.right,
        most=decision.r,
        originals=exactly.originals,
    )
    if max(exactly.right, roughly.right) <= decision.r:
        return search, []
    if guessed.right > decision.r or not further:
        named = decision.quasi
    else:
        alone = right(*(Attempt((*quasi, len(quasi) + place)) for place in range(len(further))))
        named = tuple(name for name, one in zip(further, alone, strict=True) if one.right > decision.r) or further
    return search, [Finding(Question.LINK, "found-again", ", ".join(named), exactly.tried)]
