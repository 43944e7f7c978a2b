"""What this room stores about the people who ask, and what outlives an erasure.

A request is evidence: the company must be able to show, to the person and to a regulator, that it answered, what and
when. So the rows stay for the period of the rule `requests`, without what identifies anybody: the address, the name,
what was written and what was sent are emptied; a keyed hash of the address stays, because only it can answer the
question "did you ever erase me?" from somebody who gives their address again.

An erasure finds these tables by `person` alone and never by address: the row that holds the address is emptied last,
by `privacy.services.people.forget`, after the answer has been sent to it (decision 9).
"""

from django.utils.translation import gettext_lazy as _

from crasme.kit.datamap import Keeper, NoPeople
from privacy.datamap import colleagues, corrections, letters, machines, mail, others, people, work

TABLES = [
    NoPeople("privacy.Controller", why="The company itself."),
    NoPeople("privacy.Recipient", why="Companies that process data for this one."),
    NoPeople("privacy.Right", why="The rights that people have."),
    NoPeople("privacy.LinkAsk", why="A reference and a keyed digest, until a worker has looked at them."),
    NoPeople("privacy.PolicyVersion", why="Published texts."),
    NoPeople("privacy.PolicyProposal", why="Texts to be published; staff stand in it by reference only."),
    NoPeople("privacy.Letter", why="Texts for everybody; staff stand in them by reference only, as in the ledger."),
    *people.TABLES,
    *work.TABLES,
    *letters.TABLES,
    *colleagues.TABLES,
    *corrections.TABLES,
    *machines.TABLES,
    *others.TABLES,
    *mail.TABLES,
]

# What somebody asked about must not run out of time before they are answered. Wishes to have data gone keep nothing.
KEEPERS = [
    Keeper(
        label="privacy.Request",
        is_open={
            "closed_at": None,
            "kind__in": ["access", "correction", "portability", "restriction", "objection", "complaint"],
        },
        account="account",
        reference="reference",
        why=_("open request {reference}"),
    ),
]
