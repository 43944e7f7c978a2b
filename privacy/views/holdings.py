"""What the page of a request shows of corrections, and of who was told; each only where there is something to show."""

from typing import Any

from privacy.forms.values import ProposalForm
from privacy.models import Request
from privacy.services import results
from privacy.services.corrections import PROPOSABLE
from privacy.services.recipients import ACTS
from privacy.steps.definitions import proposed

# Whoever reports an account learns nothing of it, not even that there was something to pass on.
SILENT = frozenset({Request.Kind.CHILD})


def shown(asked: Request) -> dict[str, Any]:
    """`proposals` is the form while values can be proposed; `corrections` is what was decided."""
    hears = asked.kind in ACTS and asked.kind not in SILENT and asked.outcome != ""
    found: dict[str, Any] = {"told": results.told(asked) if hears else []}
    if proposed(asked.kind) and asked.confirmed_at is not None:
        if asked.state in PROPOSABLE:
            found["proposals"] = ProposalForm(asked=asked)
        else:
            found["corrections"] = results.corrected(asked)
    return found
