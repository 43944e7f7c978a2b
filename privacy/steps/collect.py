"""Step: count what this database holds about the person, table by table of the data map. Only counts leave the step."""

from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.models import Request, Step
from privacy.packages.content import searched
from privacy.services.people import subject_of
from privacy.steps.handlers import Done, Job, handles


@handles(Step.Kind.COLLECT)
def collect(job: Job) -> Done:
    subject = subject_of(job.request.person)
    tables = {table.key: rows for table in searched() if (rows := table.rows(subject).order_by().count())}

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
