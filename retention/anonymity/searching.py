"""What comes of looking for people by what is known of them: shares for the report, and a finding where these are high.

What could go wrong: a finding that names every column (each is tried by itself beside those that others may know; only
when none of them does it alone, all are named).
"""

from retention.anonymity import nearest
from retention.anonymity.measuring import Measured
from retention.anonymity.nearest import Column
from retention.anonymity.report import Finding, Question, Search


def search_for(measured: Measured) -> tuple[Search, list[Finding]]:
    """The figures of the search, and what it found."""
    decision, changes, after = measured.decision, measured.changes, measured.after

    def right(names: tuple[str, ...], *, roughly: bool = False) -> nearest.Share:
        columns = [Column(measured.model._meta.get_field(name), changes.get(name), after[name]) for name in names]
        return nearest.share(measured.rows, columns, measured.pending, roughly=roughly)

    further = tuple(dict.fromkeys((*decision.sensitive, *decision.harmless)))
    further = tuple(name for name in further if name not in decision.quasi)
    every = (*decision.quasi, *further)
    guessed, exactly, roughly = right(decision.quasi), right(every), right(every, roughly=True)
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
        named = tuple(name for name in further if right((*decision.quasi, name)).right > decision.r) or further
    return search, [Finding(Question.LINK, "found-again", ", ".join(named), exactly.tried)]
