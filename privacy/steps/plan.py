"""Step: write down what shall be done, with its hash, for a person to approve."""

from typing import Any

from crasme.kit import canonical
from crasme.kit.claims import WorkState
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.models import Plan, Request, Step
from privacy.packages.content import portable
from privacy.services import subjects
from privacy.steps.handlers import Done, Job, handles
from retention import erasure


@handles(Step.Kind.PLAN, kind=Request.Kind.ACCESS)
@handles(Step.Kind.PLAN, kind=Request.Kind.PORTABILITY)
def plan_release(job: Job) -> Done:
    tables = _counts(job.request, Step.Kind.COLLECT, "tables")
    if job.request.kind == Request.Kind.PORTABILITY:
        tables = {table.key: tables[table.key] for table in portable() if table.key in tables}
    content = {"tables": tables, "contacts": _contacts(job.request)}
    return _planned(job, Plan.Kind.ACCESS, content, canonical.digest(content), rows=sum(tables.values()), kept=0)


@handles(Step.Kind.PLAN, kind=Request.Kind.DELETION)
@handles(Step.Kind.PLAN, kind=Request.Kind.CHILD)
def plan_erasure(job: Job) -> Done:
    found = erasure.preview(subjects.about(job.request).erasable, job.now)
    content = found.as_json() | {"contacts": _contacts(job.request)}
    return _planned(
        job, Plan.Kind.ERASURE, content, found.hash, rows=found.rows, kept=sum(kept.rows for kept in found.kept)
    )


def _planned(job: Job, kind: Plan.Kind, content: dict[str, Any], digest: str, *, rows: int, kept: int) -> Done:
    def effect(request: Request) -> dict[str, Any]:
        plan = Plan.objects.create(
            request=request, kind=kind, round=request.round, content=content, hash=digest, made_at=job.now
        )
        record(
            verbs.PLANNED.name,
            actor=system("worker"),
            subject=request.ref,
            plan=plan.pk,
            kind=str(kind),
            hash=digest,
            round=request.round,
            rows=rows,
            kept=kept,
        )
        return {"plan": str(plan.pk)}

    return Done({"rows": rows, "kept": kept}, effect)


def _counts(request: Request, step: Step.Kind, name: str) -> dict[str, int]:
    """The sums of a stage's results over all its sources."""
    total: dict[str, int] = {}
    done = request.steps.filter(kind=step, round=request.round, state=WorkState.DONE)
    for result in done.values_list("result", flat=True):
        for label, rows in result.get(name, {}).items():
            total[label] = total.get(label, 0) + rows
    return total


def _contacts(request: Request) -> int:
    results = request.steps.filter(kind=Step.Kind.LOCATE, round=request.round).values_list("result", flat=True)
    return sum(result.get("contacts", 0) for result in results)
