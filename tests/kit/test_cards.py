"""No door of the ORM lets a card number in."""

import pytest
from django.core.exceptions import ValidationError
from django.db.models import F, Value
from django.db.models.functions import Concat, Upper
from django.forms import modelform_factory

from crasme.kit import cards
from tests.kit.models import Careless, Reference, Remark

pytestmark = [pytest.mark.usefixtures("kit_tables"), pytest.mark.django_db]
CARD = "4111 1111 1111 1111"
FORMS = [
    {"title": CARD},
    {"body": f"please charge {CARD}, thanks"},
    {"data": {"a": [{"deep": {"number": 4111111111111111}}]}},
    {"secret": CARD},
]


@pytest.fixture
def remark() -> Remark:
    return Remark.objects.create(title="ordinary")


def doors(remark: Remark, changes: dict[str, object]) -> dict[str, object]:
    def assign() -> Remark:
        for name, value in changes.items():
            setattr(remark, name, value)
        return remark

    names = list(changes)
    return {
        "save": lambda: assign().save(),
        "save some": lambda: assign().save(update_fields=names),
        "create": lambda: Remark.objects.create(**changes),
        "get_or_create": lambda: Remark.objects.get_or_create(pk=0, defaults=changes),
        "update_or_create": lambda: Remark.objects.update_or_create(pk=remark.pk, defaults=changes),
        "bulk_create": lambda: Remark.objects.bulk_create([Remark(**changes)]),
        "bulk_create from a generator": lambda: Remark.objects.bulk_create(Remark(**changes) for _ in range(2)),
        "bulk_update": lambda: Remark.objects.bulk_update([assign()], names),
        "update": lambda: Remark.objects.update(**changes),
        "full_clean": lambda: assign().full_clean(),
    }


@pytest.mark.parametrize("changes", FORMS, ids=lambda changes: next(iter(changes)))
@pytest.mark.parametrize("door", sorted(doors(Remark(), {})))
def test_every_door_is_closed(remark: Remark, changes: dict[str, object], door: str) -> None:
    with pytest.raises(ValidationError) as refused:
        doors(remark, changes)[door]()
    assert list(refused.value.message_dict) == list(changes)
    message = refused.value.messages[0]
    assert "payment processor's reference" in message
    assert "1111" not in str(refused.value) + repr(refused.value)
    assert list(Remark.objects.values_list("title", "body", "data")) == [("ordinary", "", {})]


@pytest.mark.parametrize(
    "expression", [Value(CARD), Concat(F("title"), Value(f" {CARD}")), Upper(Concat(Value(CARD), Value("x")))]
)
def test_expressions_are_looked_through(remark: Remark, expression: object) -> None:
    with pytest.raises(ValidationError):
        Remark.objects.update(body=expression)
    Remark.objects.update(body=Concat(F("title"), Value(" 4111")))
    remark.refresh_from_db()
    assert remark.body == "ordinary 4111"


def test_honest_rows_pass_everywhere(remark: Remark) -> None:
    remark.body = "invoice 2026-0042, +43 660 1234567"
    remark.save()
    Remark.objects.bulk_update([remark], ["body"])
    Remark.objects.bulk_create(Remark(body=body, count=4111111111111111) for body in ("a", "c"))
    Remark.objects.update(body="b")
    assert Remark.objects.filter(body="b").count() == 3


def test_saving_some_fields_looks_at_those_only_and_loads_none(remark: Remark, django_assert_num_queries) -> None:
    partial = Remark.objects.only("title").get()
    partial.title = "new"
    with django_assert_num_queries(1):
        partial.save(update_fields=["title"])


def test_a_model_can_name_its_fields_and_derive_its_queryset() -> None:
    Reference.objects.create(number="4111111111111111", note="its own check digit")
    Reference.objects.create(number="1", note="")
    with pytest.raises(ValidationError):
        Reference.objects.noted().update(note=CARD)
    assert Reference.objects.noted().update(note="fine") == 1


def test_a_form_shows_the_error_at_its_field_even_when_others_are_excluded() -> None:
    form = modelform_factory(Remark, fields=["title"])({"title": CARD})
    assert list(form.errors) == ["title"]
    assert "1111" not in form.errors["title"][0]
    form = modelform_factory(Remark, fields=["count"])({"count": 1}, instance=Remark(title=CARD))
    assert form.is_valid()
    with pytest.raises(ValidationError):
        form.save()


def test_a_manager_that_would_go_round_is_reported() -> None:
    assert [found.id for found in Careless.check() if found.id == "kit.E021"] == ["kit.E021"]
    assert not [found for model in (Remark, Reference) for found in model.check() if found.id == "kit.E021"]


def test_refuse_names_each_field() -> None:
    cards.refuse(name="Ana", note=None, data=[1, 2])
    with pytest.raises(ValidationError) as refused:
        cards.refuse(name=CARD, note="fine", data=[CARD])
    assert sorted(refused.value.message_dict) == ["data", "name"]
