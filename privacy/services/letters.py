"""Writing a letter's text, putting it in force, taking it back.

What could go wrong: what comes into force is not what somebody looked at (the digest that was on the screen must be
the draft's), a colleague's words are overwritten unseen (a draft is only replaced by whoever saw it as it is), or a
text is sent that lacks what it must say (asked for again at the last moment: the catalogue may have changed).
"""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import verbs
from privacy.correspondence import markup
from privacy.correspondence.catalogue import entry_of
from privacy.correspondence.checking import check
from privacy.errors import LetterChanged
from privacy.models import Letter
from privacy.services.desk import require

State = Letter.State


def write(
    template: str, kind: str, language: str, *, subject: str, body: str, seen: str, by: User, now: datetime
) -> Letter:
    """Keep a draft, a new one or in place of the one there is; `seen` is the digest of the draft on the screen, ""
    where there was none. ValidationError names what is wrong with the text; LetterChanged when `seen` is not the draft.
    """
    require(by, "draft_letter")
    entry = entry_of(template)
    if not entry.fits(kind):
        raise ValidationError({"kind": _("Requests of this kind have no such letter.")})
    check(entry, subject, body)
    try:
        with transaction.atomic():
            draft = _draft(template, kind, language)
            if (draft.sha256 if draft else "") != seen:
                raise _changed()
            draft = draft or Letter(template=template, kind=kind, language=language)
            draft.subject, draft.body = markup.tidy(subject), markup.tidy(body)
            draft.edited_by, draft.edited_at = by.ref, now
            draft.full_clean(validate_unique=False, validate_constraints=False)
            draft.save()
    except IntegrityError:  # somebody began the first draft in the same moment
        raise _changed() from None
    return draft


@transaction.atomic
def discard(letter: Letter, *, seen: str, by: User) -> None:
    """Throw a draft away, as it was seen; nothing was ever sent in it."""
    require(by, "draft_letter")
    draft = _draft(letter.template, letter.kind, letter.language)
    if draft is None or draft.pk != letter.pk or draft.sha256 != seen:
        raise _changed()
    draft.delete()


@transaction.atomic
def activate(letter: Letter, *, seen: str, by: User, now: datetime) -> Letter:
    """From now on the letter is sent in this text; the one before it is retired."""
    require(by, "publish_letter")
    draft = _draft(letter.template, letter.kind, letter.language)
    if draft is None or draft.pk != letter.pk or draft.sha256 != seen:
        raise _changed()
    check(entry_of(draft.template), draft.subject, draft.body)
    versions = Letter.objects.same_place(draft.template, draft.kind, draft.language).exclude(pk=draft.pk)
    for before in versions.select_for_update().filter(state=State.ACTIVE):
        _retire(before, by=by, now=now)
    newest = versions.order_by("-version").values_list("version", flat=True).first() or 0
    draft.state, draft.version = State.ACTIVE, newest + 1
    draft.activated_by, draft.activated_at = by.ref, now
    draft.save(update_fields=["state", "version", "activated_by", "activated_at"])
    record(verbs.LETTER_ACTIVATED.name, actor=by.ref, **_facts(draft))
    return draft


@transaction.atomic
def retire(letter: Letter, *, by: User, now: datetime) -> Letter:
    """Back to the text for every kind, or to the one that ships."""
    require(by, "publish_letter")
    found: Letter | None = Letter.objects.select_for_update().active().filter(pk=letter.pk).first()
    if found is None:
        raise _changed()
    _retire(found, by=by, now=now)
    record(verbs.LETTER_RETIRED.name, actor=by.ref, **_facts(found))
    return found


def _retire(letter: Letter, *, by: User, now: datetime) -> None:
    letter.state, letter.retired_by, letter.retired_at = State.RETIRED, by.ref, now
    letter.save(update_fields=["state", "retired_by", "retired_at"])


def _draft(template: str, kind: str, language: str) -> Letter | None:
    found: Letter | None = Letter.objects.same_place(template, kind, language).drafts().select_for_update().first()
    return found


def _facts(letter: Letter) -> dict[str, Any]:
    return {
        "letter": letter.pk,
        "template": letter.template,
        "kind": letter.kind or None,
        "language": letter.language,
        "version": letter.version,
        "sha256": letter.sha256,
    }


def _changed() -> LetterChanged:
    return LetterChanged(_("A colleague has changed this text in the meantime."))
