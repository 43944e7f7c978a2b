"""The life of a request: its states and the only moves between them.

One table serves three: the methods of `Request` (privacy.models.requests), the trigger that makes PostgreSQL refuse
everything else (the migration), and the tests that try all the others. "Overdue" and "at risk" are no states: they
follow from the clock and today's date, so they can never be stale.
"""

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    RECEIVED = "received", _("Received")  # stored, the clock runs, the mailbox is not proven yet
    CONFIRMED = "confirmed", _("Confirmed")
    COLLECTING = "collecting", _("Collecting")  # the workers find what is held
    REVIEW = "review", _("Review")  # a person decides
    APPROVED = "approved", _("Approved")
    EXECUTING = "executing", _("In execution")
    ANSWERING = "answering", _("Answering")  # decided and done; the letter goes out
    CLOSED = "closed", _("Closed")


class Outcome(TextChoices):
    GRANTED = "granted", _("Granted")
    PARTLY = "partly", _("Partly granted")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    UNCONFIRMED = "unconfirmed", _("Never confirmed")
    DUPLICATE = "duplicate", _("Joined with an earlier request")


@dataclass(frozen=True, slots=True)
class Move:
    """`sources` → `target`, under the name of the method that makes it."""

    name: str
    sources: tuple[State, ...]
    target: State

    @property
    def pairs(self) -> set[tuple[str, str]]:
        return {(source.value, self.target.value) for source in self.sources}


_UNDECIDED = (State.CONFIRMED, State.COLLECTING, State.REVIEW, State.APPROVED)

MOVES: dict[str, Move] = {
    move.name: move
    for move in (
        Move("confirm", (State.RECEIVED,), State.CONFIRMED),
        Move("collect", (State.CONFIRMED,), State.COLLECTING),
        Move("present", (State.COLLECTING,), State.REVIEW),
        Move("approve", (State.REVIEW,), State.APPROVED),
        Move("execute", (State.APPROVED,), State.EXECUTING),
        # What the law leaves no choice about (an opt-out) needs nobody to decide.
        Move("proceed", (State.COLLECTING,), State.EXECUTING),
        # The data moved on since the plan was made: collect again and let a person look again.
        Move("replan", (State.REVIEW, State.APPROVED, State.EXECUTING), State.COLLECTING),
        Move("answer", (State.REVIEW, State.EXECUTING), State.ANSWERING),
        Move("refuse", _UNDECIDED, State.ANSWERING),
        Move("close", (State.ANSWERING,), State.CLOSED),
        # Not while executing: half an erasure cannot be taken back.
        Move("withdraw", (State.RECEIVED, *_UNDECIDED), State.CLOSED),
        Move("lapse", (State.RECEIVED,), State.CLOSED),
        Move("join", (State.RECEIVED, *_UNDECIDED), State.CLOSED),
        Move("reopen", (State.CLOSED,), State.REVIEW),
    )
}

OPEN_STATES = tuple(state for state in State if state is not State.CLOSED)


def allowed() -> set[tuple[str, str]]:
    """Every (from, to) pair that exists."""
    return set().union(*(move.pairs for move in MOVES.values()))


def trigger_sql(table: str) -> str:
    """The statement that teaches PostgreSQL this table; run it again (CREATE OR REPLACE) when a move is added."""
    pairs = ", ".join(f"('{source}', '{target}')" for source, target in sorted(allowed()))
    return f"""
    CREATE OR REPLACE FUNCTION {table}_moves() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (OLD.state, NEW.state) NOT IN ({pairs}) THEN
            RAISE EXCEPTION 'A request cannot go from % to %.', OLD.state, NEW.state
                USING ERRCODE = 'check_violation', CONSTRAINT = '{table}_moves';
        END IF;
        RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER {table}_moves BEFORE UPDATE OF state ON {table}
        FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION {table}_moves();
    """
