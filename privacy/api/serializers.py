"""What callers send and get. The answers are made by privacy.told; the classes here describe them.

What could go wrong: a field that is silently ignored ("verified": true), so that the caller believes in something that
does not happen. Unknown members are refused by name.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

from crasme.kit.text import normalise_email, problem
from crasme.staff.problem import ProblemDocument
from privacy.clock.regimes import Regime
from privacy.forms.asking import ELSEWHERE, LONGEST_DETAILS
from privacy.models import Request, Right
from privacy.particulars import QUESTIONS, Question
from privacy.services.intake import Submission
from privacy.states import Outcome, State

KINDS = [(kind, words) for kind, words in Request.Kind.choices if kind not in ELSEWHERE]
OLDEST = timedelta(days=30)
AHEAD = timedelta(minutes=5)  # of a caller's clock
EXTERNAL_ID = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}$"


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses members that it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [name for name in data if name not in self.fields]):
            message = serializers.ErrorDetail(str(_("There is no such member.")), code="unknown")
            raise serializers.ValidationError({str(name)[:80]: [message] for name in unknown[:20]})
        return super().to_internal_value(data)


class StrictSerializerExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """The API description says so as well."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> Any:
        described = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return described | {"additionalProperties": False}


class TextField(serializers.CharField):
    """Text that the database can hold; says what is wrong with any other."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        text = super().run_validation(data)
        if isinstance(text, str) and (what := problem(text)):
            raise serializers.ValidationError(_("This text holds %(what)s.") % {"what": what}, code="unstorable")
        return text


def _answer(question: Question) -> serializers.Field[Any, Any, Any, Any]:
    offered = [(code, answer.words) for code, answer in question.answers.items()]
    if question.many:
        return serializers.MultipleChoiceField(choices=offered, required=False, help_text=str(question.words))
    return serializers.ChoiceField(choices=offered, required=False, help_text=str(question.words))


def _answers_to(kind: str, questions: tuple[Question, ...]) -> StrictSerializer:
    fields = {question.name: _answer(question) for question in questions}
    name = f"{kind.title().replace('_', '')}ParticularsSerializer"
    return type(name, (StrictSerializer,), fields)(required=False)  # type: ignore[no-any-return]


# One member a kind that has questions: what the form would have asked, in the same codes.
ParticularsSerializer = type(
    "ParticularsSerializer",
    (StrictSerializer,),
    {str(kind): _answers_to(str(kind), questions) for kind, questions in QUESTIONS.items()},
)


class NewRequestSerializer(StrictSerializer):
    """What a person asks for, passed on. They are mailed a link and confirm it themselves."""

    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=KINDS),
        min_length=1,
        max_length=len(KINDS),
        help_text="Each kind becomes a request of its own; one mail confirms all of them that need it.",
    )
    email = serializers.EmailField(
        max_length=254, help_text="Where the person can be reached, and the only thing by which they are looked for."
    )
    full_name = TextField(max_length=200, required=False, allow_blank=True, default="")
    details = TextField(
        max_length=LONGEST_DETAILS, required=False, allow_blank=True, default="", help_text="In the person's own words."
    )
    particulars = ParticularsSerializer(
        required=False, help_text="By kind, what the form asks beside the wish; what is left out may be asked later."
    )
    language = serializers.ChoiceField(
        choices=settings.LANGUAGES, required=False, default=settings.LANGUAGE_CODE, help_text="Of mails and pages."
    )
    regime = serializers.ChoiceField(
        choices=Regime.choices,
        required=False,
        default=Regime.OTHER,
        help_text="Whose law applies, by where the person lives; `other` when it is not known.",
    )
    received_at = serializers.DateTimeField(
        required=False,
        help_text="When it reached the caller, where that was earlier; the clock starts then. At most 30 days ago.",
    )
    external_id = serializers.RegexField(
        EXTERNAL_ID,
        required=False,
        help_text=(
            "The caller's own number of it, given back in answers; no name and no address, please. Without an "
            "`Idempotency-Key` it also makes the call repeatable."
        ),
    )

    def validate_kinds(self, kinds: list[str]) -> list[str]:
        if len(set(kinds)) != len(kinds):
            raise serializers.ValidationError(_("Name each kind once."), code="repeated")
        offered = set(Right.objects.open().values_list("kind", flat=True))
        if any(kind not in offered for kind in kinds):
            raise serializers.ValidationError(_("A kind named here cannot be asked for now."), code="not-offered")
        return kinds

    def validate_email(self, email: str) -> str:
        return normalise_email(email)

    def validate_received_at(self, at: Any) -> Any:
        now = timezone.now()
        if at > now + AHEAD:
            raise serializers.ValidationError(_("This lies in the future."), code="future")
        if at < now - OLDEST:
            raise serializers.ValidationError(_("This is too long ago to be entered here."), code="too-old")
        return at

    def validate(self, told: Any) -> Any:
        if unasked := [kind for kind in told.get("particulars", {}) if kind not in told["kinds"]]:
            raise serializers.ValidationError(
                {"particulars": {kind: [_("This was not asked for.")] for kind in unasked}}
            )
        return told

    def submissions(self) -> list[Submission]:
        told = self.validated_data
        return [
            Submission(
                kind=kind,
                email=told["email"],
                full_name=told["full_name"],
                language=told["language"],
                details=told["details"],
                regime=told["regime"],
                channel=Request.Channel.API,
                received_at=told.get("received_at"),
                facts=_facts(told.get("particulars", {}).get(kind, {})),
            )
            for kind in told["kinds"]
        ]


def _facts(answers: dict[str, Any]) -> dict[str, Any]:
    """As the form stores them: codes, several in a list, an empty choice left out."""
    plain = {name: answer if isinstance(answer, str) else sorted(answer) for name, answer in answers.items()}
    return {name: answer for name, answer in plain.items() if answer}


class RequestSerializer(serializers.Serializer[Any]):
    """Where a request stands. Nothing in it says who asked."""

    reference = serializers.CharField(help_text="How people, mails and webhooks name it.")
    external_id = serializers.CharField(allow_null=True, help_text="The caller's own number, for its own requests.")
    linked = serializers.ListField(
        child=serializers.CharField(), help_text="References of what was asked in the same message."
    )
    kind = serializers.ChoiceField(choices=Request.Kind.choices)
    channel = serializers.ChoiceField(choices=Request.Channel.choices, help_text="How it arrived.")
    state = serializers.ChoiceField(choices=State.choices)
    outcome = serializers.ChoiceField(choices=Outcome.choices, allow_null=True, help_text="Set once it is decided.")
    refusal_reason = serializers.ChoiceField(choices=Request.Refusal.choices, allow_null=True)
    received_at = serializers.DateTimeField()
    received_on = serializers.DateField(help_text="The day where the controller is: the day that counts.")
    confirmed_at = serializers.DateTimeField(allow_null=True, help_text="When the person confirmed it; work begins.")
    closed_at = serializers.DateTimeField(allow_null=True)
    promise_due = serializers.DateField(help_text="By the policy's promise.")
    law_due = serializers.DateField(help_text="By law.")
    due = serializers.DateField(help_text="Whichever comes first.")


class EnteredSerializer(serializers.Serializer[Any]):
    requests = RequestSerializer(
        many=True, help_text="One for each of `kinds`; first the one whose mail is to be confirmed."
    )


class FaultSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="Which part of the input (RFC 6901).")
    detail = serializers.CharField()
    code = serializers.CharField()


class ProblemSerializer(ProblemDocument):
    """RFC 9457."""

    errors = FaultSerializer(many=True, required=False)  # type: ignore[assignment]  # a member of the document
