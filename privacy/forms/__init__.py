"""The forms of the public request pages.

What could go wrong: an error that names no field and no remedy, text that the database cannot store, a choice that is
no longer offered. Kinds are the open rights of the register, with their own explanations.
"""

from privacy.forms.asking import ChooseForm, RequestForm
from privacy.forms.fields import language
from privacy.forms.proving import AddressForm, CodeForm, LinkForm
from privacy.forms.replying import ReplyForm
from privacy.forms.signed_in import SignedInForm

__all__ = [
    "AddressForm",
    "ChooseForm",
    "CodeForm",
    "LinkForm",
    "ReplyForm",
    "RequestForm",
    "SignedInForm",
    "language",
]
