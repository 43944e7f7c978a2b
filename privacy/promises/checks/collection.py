"""P1.1 to P1.3: what is stored is what is declared, field by field."""

from datetime import datetime

from django.utils.translation import gettext as _

from crasme.kit import datamap
from crasme.kit.checks import data_map_is_complete
from privacy.promises.registry import Status, Verdict, promise


@promise("P1.1", "P1.2", "P1.3")
def declared(now: datetime) -> Verdict:
    """The system check that refuses to start with an undeclared field, asked again of the running program."""
    gaps = data_map_is_complete()
    tables = datamap.tables()
    figures = {"tables": len(tables), "fields": sum(len(table.fields) for table in tables), "gaps": len(gaps)}
    if gaps:
        return Verdict(Status.BROKEN, gaps[0].msg, figures)
    evidence = _("Each of the %(fields)s fields in %(tables)s tables is declared; nothing else is stored.")
    return Verdict(Status.KEPT, evidence % figures, figures)
