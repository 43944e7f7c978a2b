"""Step: write down what shall be done, with its hash, for a person to approve."""

from collections import Counter
from typing import Any

from crasme.kit import canonical
from crasme.kit.claims import WorkState
from crasme.kit.statements import insert
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import rows, verbs
from privacy.models import Plan, Request, Step
from privacy.packages.content import portable
from privacy.services import subjects
from privacy.steps.handlers import Done, Job, handles
from retention import erasure


@handles(Step.Kind.PLAN, kind=Request.Kind.ACCESS)
@handles(Step.Kind.PLAN, kind=Request.Kind.PORTABILITY)
def plan_release(job: Job) -> Done:
    done = rows.steps(job.request)
    tables = _counts(done)
    if job.request.kind == Request.Kind.PORTABILITY:
        tables = {table.key: tables[table.key] for table in portable() if table.key in tables}
    content = {"tables": tables, "contacts": _contacts(done)}
    return _planned(job, Plan.Kind.ACCESS, content, canonical.digest(content), total=sum(tables.values()), kept=0)


@handles(Step.Kind.PLAN, kind=Request.Kind.DELETION)
@handles(Step.Kind.PLAN, kind=Request.Kind.CHILD)
def plan_erasure(job: Job) -> Done:
    found = erasure.preview(subjects.about(job.request).erasable, job.now)
    content = found.as_json() | {"contacts": _contacts(rows.steps(job.request))}
    return _planned(
        job, Plan.Kind.ERASURE, content, found.hash, total=found.rows, kept=sum(kept.rows for kept in found.kept)
    )


def _planned(job: Job, kind: Plan.Kind, content: dict[str, Any], digest: str, *, total: int, kept: int) -> Done:
    def effect(request: Request) -> dict[str, Any]:
        plan = Plan(request=request, kind=kind, round=request.round, content=content, hash=digest, made_at=job.now)
        insert(plan)
        record(
            verbs.PLANNED.name,
            actor=system("worker"),
            subject=request.ref,
            plan=plan.pk,
            kind=str(kind),
            hash=digest,
            round=request.round,
            rows=total,
            kept=kept,
        )
        return {"plan": str(plan.pk)}

    return Done({"rows": total, "kept": kept}, effect)


def _counts(done: list[Step]) -> dict[str, int]:
    """How much was collected of each table, over all sources."""
    total: Counter[str] = Counter()
    for step in done:
        if step.kind == Step.Kind.COLLECT and step.state == WorkState.DONE:
            total.update(step.result.get("tables", {}))
    return dict(total)


def _contacts(done: list[Step]) -> int:
    return sum(step.result.get("contacts", 0) for step in done if step.kind == Step.Kind.LOCATE)
