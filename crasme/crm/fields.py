"""A column for e-mail addresses that compare equal when they are one mailbox.

What could go wrong: an address that came in through `bulk_create` or an import is stored as it was typed, so that a
lookup by the normalised form finds nothing and an erasure misses a row. So the field itself normalises: what is
saved, by whichever door, and what is looked up.
"""

from typing import Any

from django.db import models

from crasme.kit.text import normalise_email


class MailboxField(models.EmailField):
    """An EmailField in the form of `kit.text.normalise_email`; "" means that there is none."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return normalise_email(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return normalise_email(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            # The instance shows what is stored, without being loaded again.
            value = normalise_email(value)
            setattr(model_instance, self.attname, value)
        return value
