"""What the declarations of this room share: why evidence stays, and the columns of every piece of work."""

from crasme.kit.datamap import Category, Field, Purpose, Sensitivity, kept

ANSWERABLE = "The company must be able to show that the request was answered, and when (GDPR Art. 5(2), 12)."
INTERNAL = "It says nothing about the person, and would help an attacker."
LINK_DIGEST = "A digest of a link that was sent; of no use to its owner."
WORKED_ON = "made while the request was worked on"
MADE = "made by the system"
SAID = "given by the person, and written by us"
LOW = Sensitivity.LOW
SECRET = Sensitivity.SECRET
RIGHTS = Category.RIGHTS
PURPOSES = (Purpose.SECURITY,)


def evidence(meaning: str) -> Field:
    return kept(meaning, reason=ANSWERABLE, sensitivity=LOW)


def machinery(meaning: str) -> Field:
    """Columns by which the workers share the work; the same for every row that is a piece of work."""
    return kept(meaning, reason=ANSWERABLE, sensitivity=LOW, withheld=INTERNAL)


CLAIM_FIELDS = {
    "state": evidence("Whether it is due, done or stopped"),
    "attempts": machinery("How often it was tried"),
    "next_attempt_at": machinery("When it is tried next"),
    "lease_token": machinery("Which worker has it"),
    "lease_until": machinery("Until when the worker has it"),
    "last_error": machinery("Code of the last error"),
    "finished_at": evidence("When it was done"),
}
