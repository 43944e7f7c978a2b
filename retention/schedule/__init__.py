"""The first schedule: what ends when, from the published policy (section 8) and from what this system itself stores.

It is put in force once, rule by rule, where a database has no rule of that name at all; from then on the rows in the
database are the schedule, and changing them is a publication (never an edit here).

What could go wrong: a table that stores people and that no rule ever ends. `retention.checks` refuses to start then.
"""

from retention.schedule import own, policy
from retention.schedule.planned import Planned

FIRST_SCHEDULE: tuple[Planned, ...] = (*policy.RULES, *own.RULES)
