"""Asking while signed in to the CRM: it knows who asks, so only the wish and its questions are left."""

from collections.abc import Iterable
from typing import Any

from privacy.clock.regimes import Regime
from privacy.forms.asking import RequestForm
from privacy.forms.fields import language
from privacy.forms.sections import facts_of
from privacy.services.intake import Submission


class SignedInForm(RequestForm):
    email = full_name = place = leave_empty = None  # type: ignore[assignment]

    def __init__(self, data: Any = None, *, kinds: Iterable[str] = ()) -> None:
        super().__init__(data, kinds=kinds)
        if self.at_once:
            del self.fields["details"]

    def submissions_in(self, wanted: str) -> list[Submission]:
        """A wish each, for the address on file, which the service knows. `wanted` is the language used over there."""
        return [
            Submission(
                kind=kind,
                email="",
                language=wanted or language(),
                details=self.cleaned_data.get("details", ""),
                regime=Regime.OTHER,
                facts=facts_of(kind, self.cleaned_data),
            )
            for kind in self.kinds
        ]
