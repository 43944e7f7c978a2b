"""Whether rows are still somebody's after a rule has anonymised them, measured by the three questions of WP216.

Can somebody be singled out, linked to another record, or something be inferred about them? What can be computed is
computed, in the database, over all rows concerned, and fails the run. What cannot (which columns others are likely to
know, how large a class is large enough, whom we think of as adversary) is a decision on the rule, with an owner and a
day of review; a decision that is overdue fails the run as well.

Source: Article 29 Working Party, Opinion 05/2014 on anonymisation techniques (WP216).
"""
