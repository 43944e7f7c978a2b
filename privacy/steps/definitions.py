"""Which steps a kind of request takes, in order. A step begins when all of the one before are done.

What could go wrong: a kind that nobody defined would stop silently after its confirmation; `steps_of` refuses it, and
a test asks for every kind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from privacy.models import Request, Step
from privacy.particulars import CONSENTS, PURPOSE, chosen

LOCAL = "crm"  # the database this product runs on, found by the data map; connectors bring names of their own

StepKind = Step.Kind
Kind = Request.Kind


@dataclass(frozen=True, slots=True)
class Spec:
    """`sources` has one row each; `queue` names the workers that take it. `manual` steps wait for a person.

    Steps that are done `together` cost as much for one request as for many: a worker does all that are due at once.
    One that is `quick` usually takes milliseconds, so it may be done in the transaction that ends the step before, when
    that is one of LOOKING; when it takes longer, it is done alone (`runner`). It leaves the same row as any other.
    """

    kind: Step.Kind
    manual: bool = False
    sources: tuple[str, ...] = ("",)
    queue: str = "celery"
    together: bool = False
    quick: bool = False


LOCATE = Spec(StepKind.LOCATE)
COLLECT = Spec(StepKind.COLLECT, sources=(LOCAL,), quick=True)
PLAN = Spec(StepKind.PLAN, quick=True)
APPROVAL = Spec(StepKind.APPROVAL, manual=True)
WORK = Spec(StepKind.WORK, manual=True)
APPLY = Spec(StepKind.APPLY)
NOTIFY = Spec(StepKind.NOTIFY)
ANSWER = Spec(StepKind.ANSWER, quick=True)
# Steps that change nothing of the person's data: their end locks the rows of the request and of who asked, and no more.
LOOKING = frozenset({StepKind.LOCATE, StepKind.COLLECT, StepKind.PLAN, StepKind.VERIFY})

# A person looks at a plan; then it is carried out and verified, and the verification decides the outcome.
RELEASE = (
    LOCATE,
    COLLECT,
    PLAN,
    APPROVAL,
    Spec(StepKind.PACKAGE, sources=(LOCAL,), queue="export"),
    Spec(StepKind.VERIFY, queue="export"),
    ANSWER,
)
ERASURE = (
    LOCATE,
    COLLECT,
    PLAN,
    APPROVAL,
    Spec(StepKind.EXECUTE, sources=(LOCAL,), queue="erasure"),
    NOTIFY,  # while the address is still known
    Spec(StepKind.VERIFY, queue="erasure", together=True),
    ANSWER,
)
# The same for an account that somebody reported; an accepted parent may have a copy first.
REPORTED = (*ERASURE[:4], Spec(StepKind.PACKAGE, sources=(LOCAL,), queue="export"), *ERASURE[4:])
# A person decides; then it is applied.
DECIDED = (LOCATE, COLLECT, APPROVAL, APPLY, ANSWER)
# A person decides about each proposed value; what was accepted is written, and recipients are told.
CORRECTED = (LOCATE, COLLECT, APPROVAL, APPLY, NOTIFY, ANSWER)
# A person decides, the account is restricted, and recipients are told to store and nothing else.
RESTRICTED = (LOCATE, COLLECT, APPROVAL, APPLY, NOTIFY, ANSWER)
# There is nothing to decide: the wish itself is enough.
AT_ONCE = (LOCATE, APPLY, ANSWER)
# It can harm nobody, whoever asks: not even the mailbox has to be proven, and nothing is looked up.
HARMLESS = (APPLY, ANSWER)
BY_HAND = (LOCATE, COLLECT, WORK, ANSWER)

DEFINITIONS: dict[str, tuple[Spec, ...]] = {
    Kind.ACCESS: RELEASE,
    Kind.PORTABILITY: RELEASE,
    Kind.DELETION: ERASURE,
    Kind.CORRECTION: CORRECTED,
    Kind.OPT_OUT: HARMLESS,
    Kind.RESTRICTION: RESTRICTED,
    Kind.OBJECTION: BY_HAND,
    Kind.WITHDRAWAL: BY_HAND,
    Kind.COMPLAINT: BY_HAND,
    Kind.CHILD: REPORTED,
}


# An objection's way depends on the use that it is to. One that does not say, and a withdrawal that names no consent, is
# looked at by a person, who can note what is meant (services.desk.note_particulars); then it goes the way of that.
OBJECTIONS: dict[str, tuple[Spec, ...]] = {"marketing": HARMLESS, "improvement": DECIDED}
_SILENT: Mapping[str, Any] = MappingProxyType({})


def steps_of(kind: str, facts: Mapping[str, Any] = _SILENT) -> tuple[Spec, ...]:
    """`facts` are the request's particulars. LookupError for a kind that has no steps."""
    if kind == Kind.OBJECTION:
        for purpose in chosen(facts, PURPOSE):
            return OBJECTIONS.get(purpose, DEFINITIONS[kind])
    if kind == Kind.WITHDRAWAL and chosen(facts, CONSENTS):
        return AT_ONCE
    return DEFINITIONS[kind]


def spec_of(kind: str, step: str) -> Spec:
    return next(spec for way in _ways(kind) for spec in way if spec.kind == step)


def every_spec() -> Iterator[tuple[str, Spec]]:
    """Every step with the kind of request that can take it."""
    for kind in DEFINITIONS:
        for way in _ways(kind):
            for spec in way:
                yield kind, spec


def _ways(kind: str) -> Iterator[tuple[Spec, ...]]:
    yield DEFINITIONS[kind]
    if kind == Kind.OBJECTION:
        yield from OBJECTIONS.values()
    if kind == Kind.WITHDRAWAL:
        yield AT_ONCE


def by_hand(kind: str, facts: Mapping[str, Any] = _SILENT) -> bool:
    """Whether an agent does the work and writes the answer."""
    return WORK in steps_of(kind, facts)


def planned(kind: str) -> bool:
    """Whether a plan is drawn up and approved by its hash."""
    return PLAN in steps_of(kind)


def granted(kind: str, facts: Mapping[str, Any] = _SILENT) -> bool:
    """Whether a person grants it as it was asked, without a plan."""
    steps = steps_of(kind, facts)
    return APPROVAL in steps and PLAN not in steps and not proposed(kind)


def proposed(kind: str) -> bool:
    """Whether the person proposes values, about each of which somebody decides."""
    return kind == Kind.CORRECTION


def answerable(kind: str, facts: Mapping[str, Any] = _SILENT) -> bool:
    """Whether an agent may answer it in words of their own."""
    return by_hand(kind, facts) or proposed(kind)


def needs_proof(kind: str, facts: Mapping[str, Any] = _SILENT) -> bool:
    """Whether the mailbox has to be proven before anything is done. The database knows the same (models.requests)."""
    return kind != Kind.CHILD and not harmless(kind, facts)


def harmless(kind: str, facts: Mapping[str, Any] = _SILENT) -> bool:
    """Whether it is done at once, whoever asks: marketing ends."""
    return steps_of(kind, facts) == HARMLESS


def needs_people(kind: str, facts: Mapping[str, Any] = _SILENT) -> bool:
    """Whether a person has to look at it before it is done."""
    return any(spec.manual for spec in steps_of(kind, facts))
