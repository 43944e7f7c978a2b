"""Which steps a kind of request takes, in order. A step begins when all of the one before are done.

What could go wrong: a kind that nobody defined would stop silently after its confirmation; `steps_of` refuses it, and
a test asks for every kind.
"""

from dataclasses import dataclass

from privacy.models import Request, Step

LOCAL = "crm"  # the database this product runs on, found by the data map; connectors bring names of their own

StepKind = Step.Kind
Kind = Request.Kind


@dataclass(frozen=True, slots=True)
class Spec:
    """`sources` has one row each; `queue` names the workers that take it. `manual` steps wait for a person."""

    kind: Step.Kind
    manual: bool = False
    sources: tuple[str, ...] = ("",)
    queue: str = "celery"


LOCATE = Spec(StepKind.LOCATE)
COLLECT = Spec(StepKind.COLLECT, sources=(LOCAL,))
PLAN = Spec(StepKind.PLAN)
APPROVAL = Spec(StepKind.APPROVAL, manual=True)
WORK = Spec(StepKind.WORK, manual=True)
APPLY = Spec(StepKind.APPLY)
ANSWER = Spec(StepKind.ANSWER)

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
    Spec(StepKind.VERIFY, queue="erasure"),
    ANSWER,
)
# A person decides; then it is applied.
DECIDED = (LOCATE, COLLECT, APPROVAL, APPLY, ANSWER)
# There is nothing to decide: the wish itself is enough.
AT_ONCE = (LOCATE, APPLY, ANSWER)
BY_HAND = (LOCATE, COLLECT, WORK, ANSWER)

DEFINITIONS: dict[str, tuple[Spec, ...]] = {
    Kind.ACCESS: RELEASE,
    Kind.PORTABILITY: BY_HAND,
    Kind.DELETION: ERASURE,
    Kind.CORRECTION: BY_HAND,
    Kind.OPT_OUT: BY_HAND,
    Kind.RESTRICTION: BY_HAND,
    Kind.OBJECTION: BY_HAND,
    Kind.WITHDRAWAL: BY_HAND,
    Kind.COMPLAINT: BY_HAND,
    Kind.CHILD: BY_HAND,
}


def steps_of(kind: str) -> tuple[Spec, ...]:
    """LookupError for a kind that has no steps."""
    return DEFINITIONS[kind]


def spec_of(kind: str, step: str) -> Spec:
    return next(spec for spec in steps_of(kind) if spec.kind == step)


def by_hand(kind: str) -> bool:
    """Whether an agent does the work and writes the answer."""
    return WORK in steps_of(kind)


def planned(kind: str) -> bool:
    """Whether a plan is drawn up and approved by its hash."""
    return PLAN in steps_of(kind)


def granted(kind: str) -> bool:
    """Whether a person grants it as it was asked, without a plan."""
    return APPROVAL in steps_of(kind) and not planned(kind)
