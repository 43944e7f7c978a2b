"""Step: look whether it is true, before anybody is told so."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from crasme.kit.datamap import Category, Table, covers
from crasme.kit.errors import CrasmeError
from crasme.kit.statements import update
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.errors import PackageBroken, ResidueFound
from privacy.models import Package, Request, Step
from privacy.services import packages, plans, subjects
from privacy.states import Outcome
from privacy.steps.handlers import Done, Job, handles, handles_together
from retention import operations, residue
from retention.obstacles import Scopes
from retention.residue import Hit


@handles(Step.Kind.VERIFY, kind=Request.Kind.ACCESS)
@handles(Step.Kind.VERIFY, kind=Request.Kind.PORTABILITY)
def verify_package(job: Job) -> Done:
    """The stored file decrypts to exactly what was written."""
    package = _newest_package(job)
    if package is None:
        raise PackageBroken(_("There is no copy to verify."))
    size = _require_whole(package)

    def effect(request: Request) -> None:
        _decided(request, Outcome.GRANTED)

    return Done({"size": size}, effect)


@handles(Step.Kind.VERIFY, kind=Request.Kind.CHILD)
def verify_child(job: Job) -> Done:
    """As for a deletion; a copy that was made for a parent must be whole, for there is no second one."""
    if (package := _newest_package(job)) is not None:
        _require_whole(package)
    return _verified(job, *_search([job]))


@handles_together(Step.Kind.VERIFY, kind=Request.Kind.DELETION)
def verify_erasures(jobs: Sequence[Job]) -> Sequence[Done | CrasmeError]:
    """Search everything that is stored for the addresses; only what must stay may turn up.

    It is read once, however many are looked for: reading all of it is the price, and nobody is told before.
    """
    found, scopes = _search(jobs)
    return [_outcome(job, found, scopes) for job in jobs]


def _search(jobs: Sequence[Job]) -> tuple[Mapping[UUID, list[Hit]], Scopes]:
    wanted = {job.step.pk: [subjects.about(job.request).address] for job in jobs}
    # This room still needs the address for the answer, and forgets it afterwards.
    return residue.search_many(wanted, unless=lambda label: label.startswith("privacy.")), Scopes.now()


def _outcome(job: Job, found: Mapping[UUID, list[Hit]], scopes: Scopes) -> Done | CrasmeError:
    try:
        return _verified(job, found, scopes)
    except CrasmeError as error:
        return error


def _verified(job: Job, found: Mapping[UUID, list[Hit]], scopes: Scopes) -> Done:
    plan, hits = plans.approved(job.request), found[job.step.pk]
    left = Counter(f"{hit.label}.{hit.field}" for hit in hits if not _is_content(hit) and not _on_hold(hit, scopes))
    if left:
        raise ResidueFound(_("The person was still found after the erasure."), found=dict(left))
    others = sum(_is_content(hit) for hit in hits)

    def effect(request: Request) -> None:
        record(
            verbs.CERTIFIED.name,
            actor=system("worker"),
            subject=request.ref,
            plan=plan.pk,
            hash=plan.hash,
            searched="every text column outside of requests",
        )
        stays = any(not line.bare for line in plans.kept_of(plan))
        _decided(request, Outcome.PARTLY if stays else Outcome.GRANTED)

    return Done({"residue": 0, "in_content_of_others": others}, effect)


def _newest_package(job: Job) -> Package | None:
    return packages.newest(job.request, now=job.now)


def _require_whole(package: Package) -> int:
    """The size in bytes; PackageBroken when the file is not what was written."""
    digest, size = hashlib.sha256(), 0
    for piece in packages.contents(package):
        digest.update(piece)
        size += len(piece)
    if (digest.hexdigest(), size) != (package.sha256, package.size):
        raise PackageBroken(_("The stored file is not the one that was made."))
    return size


def _is_content(hit: Hit) -> bool:
    """Customers decide about what they wrote themselves."""
    declared = covers(hit.label)
    return isinstance(declared, Table) and declared.category is Category.CONTENT


def _on_hold(hit: Hit, scopes: Scopes) -> bool:
    """Whether a hold keeps this very row, or one that depends on it; the plan that was approved says so."""
    declared = covers(hit.label)
    if not isinstance(declared, Table):
        return False
    row = declared.model._base_manager.filter(pk=hit.pk)
    return row.exists() and not operations.free(declared.model, row, scopes, lean=declared.row_is_deleted).exists()


def _decided(request: Request, outcome: Outcome) -> None:
    request.answer(outcome)
    update(request, "state", "outcome")
    record(verbs.DECIDED.name, actor=system("worker"), subject=request.ref, outcome=str(outcome))
