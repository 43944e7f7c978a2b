"""Step: count what this database holds about the person, table by table of the data map. Only counts leave the step."""

from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.models import Request, Step
from privacy.packages.content import held
from privacy.services import subjects
from privacy.steps.handlers import Done, Job, handles


@handles(Step.Kind.COLLECT)
def collect(job: Job) -> Done:
    tables = {table.key: rows for table, rows in held(subjects.about(job.request).whole) if rows}

    def effect(request: Request) -> None:
        record(
            verbs.COLLECTED.name,
            actor=system("worker"),
            subject=request.ref,
            source=job.step.source,
            tables=len(tables),
            rows=sum(tables.values()),
        )

    return Done({"tables": tables}, effect)
