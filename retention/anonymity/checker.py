"""The check: figures before and after, what each of the three questions finds, and a search for people in the result.

The rows are those past the rule's cut-off that nothing keeps, those of earlier runs included; columns that the rule
changes are read through its own expressions, so that what is measured is what the rows will be.

What could go wrong: a hundred rows of one person that pass for a crowd (people are counted, as long as the rows still
say whose they are), a check that a new column slips through (whatever stays and is not classified is a finding), a
pseudonym that is in place before anybody asks (a hash is a finding by itself), or a table of ten rows called anonymous
because nothing was compared (classes are counted, not sampled), or small classes that nobody asked about, such as those
of all harmless columns together (so whoever knows all of them is let loose on it: retention.anonymity.nearest).
"""

from datetime import datetime

from retention.anonymity import inferring, linking, singling
from retention.anonymity.measuring import Measured
from retention.anonymity.report import Question, Report
from retention.anonymity.searching import search_for
from retention.models import Rule


def check(rule: Rule, cutoff: datetime, now: datetime) -> Report:
    """Measure the rows before and after, and say what still makes them somebody's. Reads only. RuleBroken."""
    measured = Measured.of(rule, cutoff)
    before, counted = measured.as_they_are().figures, measured.as_they_would_be()
    after, found = counted.figures, list(singling.decided(measured, now))
    if not after.rows:
        return Report(before, after, tuple(found))
    found += [*singling.found(measured, after), *linking.found(measured), *inferring.found(measured, counted)]
    search, recognised = search_for(measured)
    order = list(Question)
    findings = sorted([*found, *recognised], key=lambda each: order.index(each.question))
    return Report(before, after, tuple(findings), search)
