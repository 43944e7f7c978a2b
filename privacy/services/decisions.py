"""Deciding about corrections, all open proposals of a request at once.

What could go wrong: a colleague accepts a value that was changed while they read (what was on their screen goes along,
and must still be so), half of the proposals stay undecided for ever, a rejection without a reason, or somebody without
the right to refuse rejects everything.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit import cards
from crasme.kit.text import clean
from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import verbs
from privacy.errors import Incomplete, MoveNotAllowed, ProposalsChanged
from privacy.models import Correction, Request, Step
from privacy.services.corrections import Line, lines
from privacy.services.desk import locked, require
from privacy.services.reading import require_read
from privacy.states import State
from privacy.steps import flow

Decision, Reason, Refusal = Correction.Decision, Correction.Reason, Request.Refusal


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided about one proposal. `seen` is its `fingerprint` as it was on the screen.

    settled   the value to write, where the person used free words (see holdings.Held.in_words)
    """

    accept: bool
    seen: str
    reason: str = ""
    words: str = ""
    settled: str = ""


def problem(line: Line, settled: str = "") -> str:
    """Why this proposal cannot be accepted as it stands; "" when it can."""
    if line.held is None:
        return _("What it is about is no longer held: reject it.")
    if line.needs_proof():
        return _("Nobody has proven this mailbox yet. It gets a link; wait for it, or reject the proposal.")
    if line.held.in_words and not settled:
        return _("Choose the value that shall be written.")
    return ""


def misfits(accepted: list[tuple[Line, str]]) -> dict[UUID, str]:
    """What the records themselves would refuse: correction → why, all accepted values of a record taken together."""
    rows: dict[Any, dict[str, tuple[Line, str]]] = {}
    for line, settled in accepted:
        if line.held is not None:
            rows.setdefault(line.held.row, {})[line.held.name] = (line, line.value(settled))
    found: dict[UUID, str] = {}
    for row, parts in rows.items():
        for name, why in _refused_by(row, {name: value for name, (_line, value) in parts.items()}).items():
            # What the record says as a whole stands beside the first of its values.
            line = parts[name][0] if name in parts else next(iter(parts.values()))[0]
            found[line.correction.pk] = why
    return found


def _refused_by(row: Any, values: dict[str, str]) -> dict[str, str]:
    trial = copy(row)
    try:
        for name, value in values.items():
            _set(trial, name, value)
        trial.full_clean()
    except ValidationError as error:
        said = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        return {name: " ".join(words) for name, words in said.items()}
    return {}


@transaction.atomic
def decide(request: Request, verdicts: Mapping[UUID, Verdict], *, by: User, now: datetime) -> Request:
    """Decide about every open proposal at once; a worker then writes what was accepted.

    ProposalsChanged when something is not as it was on the screen; Incomplete when an accepted value cannot be written
    or a rejection has no reason. Rejecting everything refuses the request, and needs that right.
    """
    require(by, "work_request")
    for verdict in verdicts.values():
        cards.refuse(words=verdict.words)
    request = locked(request)
    if request.kind != Request.Kind.CORRECTION or request.state != State.REVIEW:
        raise MoveNotAllowed(_("There is nothing of this kind to decide about now."))
    require_read(request)
    found = lines(request)
    accepted = [
        (line, verdicts[line.correction.pk].settled) for line in _as_seen(found, verdicts) if _accepts(line, verdicts)
    ]
    if why := " ".join(misfits(accepted).values()):
        raise Incomplete(why)
    if not accepted:
        require(by, "refuse_request")
    for line in found:
        _decide(line, verdicts[line.correction.pk], request.round, by=by, now=now)
    _record_decision(request, found, by=by)
    _go_on(request, [line.correction for line in found], by=by, now=now)
    return request


def _as_seen(found: list[Line], verdicts: Mapping[UUID, Verdict]) -> list[Line]:
    """The same lines; ProposalsChanged unless each is what was on the screen, and none is missing."""
    if not found or {line.correction.pk for line in found} != set(verdicts):
        raise ProposalsChanged(_("The proposals are not those that you were looking at."))
    if any(verdicts[line.correction.pk].seen != line.fingerprint for line in found):
        raise ProposalsChanged(_("A value has changed while you were looking."))
    return found


def _accepts(line: Line, verdicts: Mapping[UUID, Verdict]) -> bool:
    """Whether it is accepted; Incomplete when it cannot be, or is rejected without a reason."""
    verdict = verdicts[line.correction.pk]
    if not verdict.accept and verdict.reason not in Reason:
        raise Incomplete(_("Give a reason for each rejection; the person has a right to it."))
    if verdict.accept and (why := problem(line, verdict.settled)):
        raise Incomplete(why)
    return verdict.accept


def _decide(line: Line, verdict: Verdict, round_: int, *, by: User, now: datetime) -> None:
    correction = line.correction
    correction.decision = Decision.ACCEPTED if verdict.accept else Decision.REJECTED
    correction.reason = "" if verdict.accept else verdict.reason
    correction.words = clean(verdict.words).strip() or None
    correction.settled = verdict.settled if verdict.accept and line.held is not None and line.held.in_words else None
    correction.round, correction.decided_by, correction.decided_at = round_, by, now
    correction.old_digest = line.held.digest(line.held.stored) if line.held else ""
    correction.save()


def _record_decision(request: Request, found: list[Line], *, by: User) -> None:
    names: dict[str, list[str]] = {Decision.ACCEPTED: [], Decision.REJECTED: []}
    for line in found:
        names[line.correction.decision].append(f"{line.correction.label}.{line.correction.field}")
    record(
        verbs.CORRECTION_DECIDED.name,
        actor=by.ref,
        subject=request.ref,
        accepted=sorted(names[Decision.ACCEPTED]),
        rejected=sorted(names[Decision.REJECTED]),
    )


def _go_on(request: Request, found: list[Correction], *, by: User, now: datetime) -> None:
    if any(each.is_accepted for each in found):
        request.approve()
        request.save(update_fields=["state"])
        step = request.steps.filter(kind=Step.Kind.APPROVAL, round=request.round).unfinished().get()
        flow.close_manual(step, actor=by.ref, now=now)
        flow.advance(request, now=now)
        return
    reason = refusal_of({each.reason for each in found})
    request.refuse(reason)
    request.save(update_fields=["state", "outcome", "refusal_reason"])
    record(verbs.REFUSED.name, actor=by.ref, subject=request.ref, reason=reason)
    flow.insert_answer(request, now=now)


def refusal_of(reasons: set[str]) -> str:
    """The legal ground of a request of which every part was rejected."""
    if reasons == {Reason.UNPROVEN}:
        return Refusal.IDENTITY
    return Refusal.OTHERS if reasons == {Reason.OTHERS} else Refusal.NOT_COVERED


def _set(row: Any, name: str, value: str) -> None:
    field = row._meta.get_field(name)
    # Whether the record exists is asked by full_clean, as for every link.
    setattr(row, field.attname, field.target_field.to_python(value) if field.is_relation else field.to_python(value))
