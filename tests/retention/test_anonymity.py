"""Anonymous is measured: what would still be somebody's stops the run before anything is changed, and says why."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from crasme.crm.models import Device
from crasme.staff.roles import PRIVACY_OFFICER
from privacy.policy import facts
from retention import anonymity, changing, drafts, fields, services
from retention.anonymity import checker
from retention.anonymity.report import Question, Report
from retention.errors import RuleBroken
from retention.models import Rule, Run
from tests.builders import make_user, sign_in
from tests.retention import builders
from tests.retention.builders import NOW
from tests.retention.test_own_models import company  # noqa: F401  (a fixture: somebody else's app and its tables)

pytestmark = pytest.mark.django_db

GOOD = ["id:fresh", "account", "seen_at:month", "address", "device"]
DECISION: dict[str, Any] = {
    "quasi": ["page", "seen_at"],
    "sensitive": ["mood"],
    "harmless": [],
    "k": 3,
    "l": 2,
    "adversary": "A colleague who knows when somebody visited which page.",
    "owner": "staff:owner",
    "review_on": "2027-11-22",
}
LONG_AGO = datetime(2025, 3, 5, 8, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def visits(company: Any) -> Any:  # noqa: F811
    """Two pages, visited by four people each, in one month, in two moods each."""
    home = builders.organisation()
    people = [builders.account(home) for _number in range(4)]
    for number in range(8):
        company.Visit.objects.create(
            account=people[number // 2], seen_at=LONG_AGO + timedelta(hours=number, microseconds=number),
            address="192.0.2.7", device="tablet", page=f"page-{number % 2}", mood=f"mood-{number // 4}",
        )  # fmt: skip
    return company.Visit


def said(names: list[str] | None = None, **decided: Any) -> Rule:
    return Rule(
        slug="visits",
        target="company.visit",
        anchor="seen_at",
        period="P6M",
        action=Rule.Action.ANONYMISE,
        fields=names or GOOD,
        anonymity=DECISION | decided,
        legal_reason="Counted without the people.",
    )


def rule(names: list[str] | None = None, **decided: Any) -> Rule:
    draft = drafts.save(said(names, **decided), actor="staff:author", now=NOW)
    changing.put_in_force([draft], now=NOW, actor="staff:approver", version="2026.12")
    return draft


def run(of: Rule, now: datetime = NOW) -> Run:
    done = services.run_rule(of, now=now, actor="system:test")
    assert done is not None
    return done


def codes(report: Report) -> set[tuple[Question, str, str]]:
    return {(found.question, found.code, found.column) for found in report.findings}


def test_rows_that_are_anonymous_are_made_so_and_the_figures_stay_with_the_run(visits: Any) -> None:
    keys = set(visits.objects.values_list("pk", flat=True))
    found = rule()
    assert facts.collect(NOW)["rules"]["visits"]["about"] == ["Visits: Whose, When, IP address, Device"]
    done = run(found)
    assert (done.state, done.rows_total, done.last_error) == (Run.State.DONE, 8, "")
    after = list(visits.objects.all())
    assert not keys & {visit.pk for visit in after}
    assert {visit.pk.version for visit in after} == {4}
    assert {(v.account_id, v.seen_at, v.address, v.device) for v in after} == {
        (None, datetime(2025, 3, 1, tzinfo=UTC), None, "")
    }
    report = Report.read(done.anonymity or {})
    assert report.anonymous
    assert (report.before.smallest, report.before.uniqueness) == (1, 1.0)
    assert (report.after.rows, report.after.classes, report.after.smallest, report.after.diversity) == (8, 2, 4, 2)
    # Nothing is due again, although nothing marks the rows: every replacement is a fixed point.
    again = run(found, NOW + timedelta(days=1))
    assert (again.state, again.rows_total) == (Run.State.DONE, 0)
    assert not visits.objects.filter(fields.pending(found, again.cutoff)).exists()


CASES: list[tuple[list[str], dict[str, Any], tuple[Question, str, str]]] = [
    (GOOD[1:], {}, (Question.LINK, "stable-key", "id")),
    ([GOOD[0], *GOOD[2:]], {"quasi": ["page", "seen_at", "account"]}, (Question.LINK, "link-kept", "account")),
    (GOOD[:3] + GOOD[4:], {}, (Question.SINGLE_OUT, "unclassified", "address")),
    (GOOD[:3] + GOOD[4:], {"harmless": ["address"], "k": 9}, (Question.LINK, "same-value", "address")),
    ([*GOOD[:4], "device:hash"], {"harmless": ["device"]}, (Question.LINK, "reversible", "device")),
    (["id:fresh", "account", "address", "device"], {}, (Question.SINGLE_OUT, "small-class", "page, seen_at")),
    (
        ["id:fresh", "account", "address", "device"],
        {"quasi": ["page"], "harmless": ["seen_at"]},
        (Question.SINGLE_OUT, "rare-value", "seen_at"),
    ),
    (GOOD, {"l": 3}, (Question.INFER, "homogeneous", "mood")),
    (GOOD, {"review_on": "2026-11-21"}, (Question.SINGLE_OUT, "review-overdue", "anonymity")),
]


def test_what_is_only_pseudonymous_is_found_by_its_column(visits: Any) -> None:
    Device.objects.create(
        account=builders.account(), kind="desktop", ip_address="192.0.2.7", first_seen_at=NOW, last_seen_at=NOW
    )
    for names, decided, expected in CASES:
        asked = said(names, **decided)
        report = checker.check(asked, asked.cutoff(NOW), NOW)
        assert expected in codes(report), (expected, report)
        for found in report.findings:
            assert found.words()
            assert "192.0.2.7" not in f"{found.words()} {report.stored()}"


def test_many_rows_of_one_person_are_no_crowd_and_a_hash_is_told_without_what_it_hides(visits: Any) -> None:
    hashed = said([*GOOD[:4], "device:hash"], harmless=["device"])
    visits.objects.update(device="a" * 64)  # nothing is pending there: it looks as if it had been done long ago
    assert (Question.LINK, "reversible", "device") in codes(checker.check(hashed, hashed.cutoff(NOW), NOW))
    whole = said(quasi=["page", "seen_at"])
    assert checker.check(whole, whole.cutoff(NOW), NOW).anonymous
    visits.objects.update(account=builders.account())
    report = checker.check(whole, whole.cutoff(NOW), NOW)
    assert codes(report) == {(Question.SINGLE_OUT, "small-class", "page, seen_at")}
    assert (report.after.smallest, report.after.unique, report.after.rows) == (1, 8, 8)


def test_a_key_inside_of_json_is_rare_whatever_the_column_was_called(db: None) -> None:
    """Ten events that share one device's id stand for one person."""
    who = builders.account()
    for number in range(10):
        builders.event(who, LONG_AGO + timedelta(hours=number), detail={"device": "d-1"})
    rule = Rule(
        slug="events", target="crm.usageevent", anchor="occurred_at", period="P6M", action=Rule.Action.ANONYMISE,
        fields=["occurred_at:month"], anonymity=DECISION | {"quasi": ["name"], "sensitive": ["detail"]},
    )  # fmt: skip
    found = codes(checker.check(rule, rule.cutoff(NOW), NOW))
    assert (Question.SINGLE_OUT, "rare-value", "detail") in found


def test_a_run_that_would_only_pseudonymise_stops_and_changes_nothing(visits: Any) -> None:
    before = list(visits.objects.order_by("pk").values())
    done = run(rule(GOOD[1:]))
    assert (done.state, done.last_error, done.rows_total) == (Run.State.STOPPED, "not-anonymous", 0)
    assert codes(Report.read(done.anonymity or {})) == {(Question.LINK, "stable-key", "id")}
    assert list(visits.objects.order_by("pk").values()) == before


def test_one_visit_more_can_undo_it_and_the_next_run_says_so(visits: Any) -> None:
    found = rule()
    run(found)
    visits.objects.create(seen_at=LONG_AGO, device="", page="page-9", mood="mood-0")
    done = run(found, NOW + timedelta(days=1))
    assert (done.state, done.last_error) == (Run.State.STOPPED, "not-anonymous")
    assert (Question.SINGLE_OUT, "small-class", "page, seen_at") in codes(Report.read(done.anonymity or {}))


def test_a_hold_leaves_its_rows_out_and_an_empty_table_is_no_failure(visits: Any) -> None:
    found = rule()
    visits.objects.all().delete()
    report = checker.check(found, found.cutoff(NOW), NOW)
    assert (report.anonymous, report.after.rows) == (True, 0)
    assert run(found).state == Run.State.DONE
    assert anonymity.__doc__


def test_the_command_reports_by_the_three_questions(visits: Any) -> None:
    rule(GOOD[1:])
    out = StringIO()
    call_command("retention", "anonymity", "company.visit", stdout=out)
    text = out.getvalue()
    assert [line for line in text.splitlines() if line.startswith("Can ")] == [each.words for each in Question]
    assert "id: It still identifies the same row elsewhere" in text


def test_the_page_reports_what_was_measured_and_decided(visits: Any, client: Client) -> None:
    officer = sign_in(client, make_user(PRIVACY_OFFICER))
    form = drafts.substance(said(GOOD[1:])) | {"fields": ",".join(GOOD[1:]), "unreferenced_by": "", "max_rows": ""}
    decided = {name: value for name, value in DECISION.items() if name != "owner"}
    answer = client.post(reverse("admin:retention_rule_add"), form | {"anonymity": json.dumps(decided)})
    assert answer.status_code == 302, answer.context["errors"]
    draft = Rule.objects.get(slug="visits")
    assert draft.anonymity["owner"] == officer.ref
    page = client.get(reverse("admin:retention_rule_anonymity_report", args=[draft.pk])).content.decode()
    assert "It still identifies the same row elsewhere" in page
    assert "A colleague who knows" in page
    wrong = client.post(reverse("admin:retention_rule_add"), form | {"slug": "other", "anonymity": '{"k": 2}'})
    assert "Give quasi" in wrong.content.decode()


def test_classes_unlike_all_rows_tell_something_though_their_values_are_several(visits: Any) -> None:
    """Two classes of four; of page-0 three have mood-0, of page-1 one: each is a quarter away from half and half."""
    first = visits.objects.filter(page="page-0", mood="mood-1").first()
    second = visits.objects.filter(page="page-1", mood="mood-0").first()
    visits.objects.filter(pk=first.pk).update(mood="mood-0")
    visits.objects.filter(pk=second.pk).update(mood="mood-1")
    cutoff = said().cutoff(NOW)
    report = checker.check(said(), cutoff, NOW)
    assert (report.after.distance, report.after.diversity, report.anonymous) == (0.25, 2, True)
    assert checker.check(said(t=0.25), cutoff, NOW).anonymous
    close = checker.check(said(t=0.2), cutoff, NOW)
    assert codes(close) == {(Question.INFER, "skewed", "mood")}
    assert [found.rows for found in close.findings] == [8]
    # A value that a class lacks counts as well.
    visits.objects.filter(page="page-0").update(mood="mood-2")
    assert checker.check(said(l=1), cutoff, NOW).after.distance == 0.5
    with pytest.raises(ValidationError, match="t lies above 0"):
        drafts.save(said(t=0), actor="staff:author", now=NOW)


def test_a_date_in_months_is_not_moved_into_another_month() -> None:
    def coarser(how: str) -> Rule:
        made = said([f"occurred_at:{how}"])
        made.target, made.anchor, made.action, made.anonymity = "crm.usageevent", "occurred_at", Rule.Action.BLANK, None
        return made

    with pytest.raises(ValidationError, match="another month's partition"):
        drafts.save(coarser("year"), actor="staff:author", now=NOW)
    fields.clean(coarser("month"))


def test_a_rule_whose_column_was_renamed_says_so_everywhere_and_harms_no_other(
    visits: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the page, the command and the run none fails without words; once the column is back, it is planned first."""
    found = rule()
    sign_in(client, make_user(PRIVACY_OFFICER))
    report = reverse("admin:retention_rule_anonymity_report", args=[found.pk])
    for change in ({"fields": [*GOOD, "hue"]}, {"anonymity": DECISION | {"harmless": ["hue"]}}, {"anchor": "hue"}):
        gone = said()
        for name, value in change.items():
            setattr(gone, name, value)
        with pytest.raises(RuleBroken, match="rule visits names hue, which is not"):
            checker.check(gone, NOW, NOW)
    real = visits._meta.get_field

    def renamed(name: str) -> Any:
        return real("colour" if name == "device" else name)

    with monkeypatch.context() as patch:
        patch.setattr(visits._meta, "get_field", renamed)
        shown = client.get(report, follow=True)
        assert shown.status_code == 200
        assert "The rule visits names device, which is not (any more) in company.visit. Draft" in shown.content.decode()
        for page in ("retention_rule_changelist", "retention_run_changelist"):
            assert client.get(reverse(f"admin:{page}")).status_code == 200
        with pytest.raises(CommandError, match="names device"):
            call_command("retention", "anonymity", "company.visit", stdout=StringIO())
        touched = {each.rule.slug: each for each in services.run_due(NOW)}
        broken = touched["visits"]
        assert (broken.state, broken.last_error, broken.rows_total) == (Run.State.STOPPED, "rule-broken", 0)
        assert len(touched) > 5
        page = client.get(reverse("admin:retention_run_change", args=[broken.pk])).content.decode()
        assert "names device, which is not (any more)" in page
    assert visits.objects.exclude(device="").count() == 8
    again = run(found, NOW + timedelta(hours=2))
    assert again.plan is not None
    assert (again.pk, again.state, again.rows_total, again.rows_due) == (broken.pk, Run.State.DONE, 8, 8)
