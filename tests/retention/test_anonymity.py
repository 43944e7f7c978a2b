"""Anonymous is measured: what would still be somebody's stops the run before anything is changed, and says why."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings, strategies as st

from crasme.crm.models import Device
from crasme.staff.roles import PRIVACY_OFFICER
from privacy.policy import facts
from retention import anonymity, certificate, changing, drafts, fields, services
from retention.anonymity import checker, nearest
from retention.anonymity.nearest import Column
from retention.anonymity.report import Question, Report, Search
from retention.engine import anonymous, runs
from retention.engine.watch import Watch
from retention.errors import NotAnonymous, RuleBroken
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


def test_rows_that_are_anonymous_are_made_so_and_the_figures_stay_with_the_run(visits: Any, client: Client) -> None:
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
    # The search was made while there were originals, and the certificate holds its figures.
    assert report.search == Search(tried=8, guessed=0.25, exactly=0.5, roughly=0.5, most=0.5, originals=True)
    assert certificate.of(done)["anonymity"] == done.anonymity
    assert certificate.check(certificate.of(done)) == []
    sign_in(client, make_user(PRIVACY_OFFICER))
    for page in ("certificate", "change"):
        shown = client.get(reverse(f"admin:retention_run_{page}", args=[done.pk])).content.decode()
        assert "finds 50% again" in shown, page
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
    assert codes(report) == {
        (Question.SINGLE_OUT, "small-class", "page, seen_at"), (Question.LINK, "found-again", "page, seen_at")
    }  # fmt: skip
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


def searched(model: Any, names: list[str], how: list[str], *, roughly: bool = False) -> float:
    """The share of rows found again by whoever knows the columns `names`, when a rule does `how`."""
    asked = said(how)
    changes = {change.name: change for change in fields.changes(asked)}
    columns = [
        Column(model._meta.get_field(name), changes.get(name), changes[name].expression if name in changes else F(name))
        for name in names
    ]
    found = nearest.share(model.objects.all(), columns, fields.pending(asked, asked.cutoff(NOW)), roughly=roughly)
    assert found.tried == min(model.objects.count(), nearest.TRIED)
    return found.right


@settings(max_examples=6, deadline=None)
@given(sizes=st.lists(st.integers(1, 7), min_size=2, max_size=6), salt=st.integers(0, 1000))
def _check_the_search(model: Any, sizes: list[int], salt: int) -> None:
    model.objects.all().delete()
    classes = [number for number, size in enumerate(sizes) for _row in range(size)]
    model.objects.bulk_create(
        model(seen_at=LONG_AGO + timedelta(days=31 * at, hours=7 * row, seconds=salt), page=f"p{at}", mood=f"m{row}",
              address=f"192.0.2.{at}" if at else None, device="")
        for row, at in enumerate(classes)
    )  # fmt: skip
    rows, known = len(classes), ["page", "seen_at", "address", "mood"]
    # Nothing hidden: found each time, and often by who only knows roughly when it was.
    assert searched(model, known, ["device"]) == pytest.approx(1)
    assert searched(model, ["seen_at"], ["device"]) == pytest.approx(1)
    # Everything hidden: no better than any row.
    gone = ["page", "address", "mood", "seen_at:=2020-01-01T00:00:00+00:00"]
    assert searched(model, known, gone) == pytest.approx(1 / rows, abs=1e-5)
    # Classes of k rows: one in k, over all classes; NULL is a value as any, and roughly known is never better.
    for names in (["page"], ["address"], ["page", "address"]):
        assert searched(model, names, ["device"]) == pytest.approx(len(sizes) / rows, abs=1e-5)
    by_month = searched(model, ["page", "seen_at"], ["seen_at:year"])
    assert by_month == pytest.approx(len(sizes) / rows, abs=1e-5)
    assert searched(model, ["page", "seen_at"], ["seen_at:month"], roughly=True) <= 1
    assert searched(model, known, ["mood", "seen_at:year"], roughly=True) <= by_month + 1e-9


def test_the_search_finds_what_it_must_and_no_more(company: Any) -> None:  # noqa: F811
    _check_the_search(company.Visit)


def test_who_has_most_of_the_rows_makes_the_search_no_longer(company: Any) -> None:  # noqa: F811
    """Each of the originals compared with all rows of its person is a search that takes hours over millions."""
    whose = builders.account()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {company.Visit._meta.db_table} (id, account_id, seen_at, device, page, mood)"
            " SELECT gen_random_uuid(), %s, %s::timestamptz + n * interval '7 seconds', '', 'p' || n %% 9, 'm'"
            " FROM generate_series(1, 6000) n",
            [whose.pk, LONG_AGO],
        )
        cursor.execute("SET LOCAL statement_timeout = '4s'")
    assert searched(company.Visit, ["page", "seen_at", "mood"], ["device"]) == 1


def test_a_row_is_found_again_by_what_was_called_sensitive_or_harmless_and_the_run_stops(visits: Any) -> None:
    """No class is small, and no value that is asked about is rare: only whoever looks for the nearest row finds it."""
    exact = ["id:fresh", "account", "address", "device"]
    before = list(visits.objects.order_by("pk").values())
    done = run(rule(exact, quasi=["page"], sensitive=["mood", "seen_at"]))
    report = Report.read(done.anonymity or {})
    assert (done.state, done.last_error) == (Run.State.STOPPED, "not-anonymous")
    assert codes(report) == {(Question.LINK, "found-again", "seen_at")}
    assert report.search is not None
    assert (report.search.exactly, report.search.guessed, report.search.most) == (1, 0.25, 0.5)
    assert report.search.originals
    assert report.search.roughly > report.search.guessed
    assert list(visits.objects.order_by("pk").values()) == before
    assert "finds 100% again" in report.lines()[1]
    visits.objects.update(account=None)  # eight people
    for number, visit in enumerate(visits.objects.order_by("seen_at")):
        visits.objects.filter(pk=visit.pk).update(device=f"kind-{number // 2 % 2}")
    harmless = said(GOOD[:4], sensitive=[], harmless=["mood", "device"], k=3)
    found = checker.check(harmless, harmless.cutoff(NOW), NOW)
    assert codes(found) == {(Question.LINK, "found-again", "mood, device")}
    allowed = said(GOOD[:4], sensitive=[], harmless=["mood", "device"], r=1)
    assert checker.check(allowed, allowed.cutoff(NOW), NOW).anonymous
    with pytest.raises(ValidationError, match="r lies above 0"):
        drafts.save(said(r=0), actor="staff:author", now=NOW)


def test_a_measurement_that_takes_a_whole_tick_holds_up_no_run_and_is_made_once_more_at_the_end(
    visits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, real, made = rule(), checker.check, []

    def long(*asked: Any) -> Report:
        made.append(visits.objects.exclude(device="").count())
        passed.append(timedelta(minutes=5))
        return real(*asked)

    passed: list[timedelta] = []
    monkeypatch.setattr(anonymous.checker, "check", long)
    monkeypatch.setattr(Watch, "elapsed", property(lambda _watch: sum(passed, timedelta())))

    def tick(now: datetime) -> Run:
        passed.clear()
        done = runs.carry_out(found, Watch(now, budget=timedelta(seconds=150)), actor="system:test")
        assert done is not None
        return done

    assert (tick(NOW).state, made) == (Run.State.RUNNING, [8])
    # What comes meanwhile would be somebody's: it is done as well, but nobody says that the run is.
    with monkeypatch.context() as patch:
        patch.setattr(anonymous, "_require", refused)
        assert (tick(NOW + timedelta(minutes=1)).state, made) == (Run.State.STOPPED, [8, 0])
    again = tick(NOW + timedelta(minutes=45))
    assert (again.state, made[2:], anonymous.remains(again)) == (Run.State.DONE, [0], False)


def refused(_run: Run, _report: Report) -> None:
    raise NotAnonymous("Not anonymous.")


def test_what_is_measured_is_what_will_be_written(visits: Any) -> None:
    """A column that another rule still needs stays, a blanked one tells nothing, and a link to anybody is a link."""
    cutoff = said().cutoff(NOW)
    blanked = said([*GOOD, "mood"])
    report = checker.check(blanked, cutoff, NOW)
    assert (report.anonymous, report.after.diversity) == (True, 0)
    # One row more for a class whose rows were done earlier gives nothing away.
    done = run(rule())
    assert done.state == Run.State.DONE
    visits.objects.create(seen_at=LONG_AGO + timedelta(days=2), device="", page="page-0", mood="mood-0")
    report = checker.check(said(), cutoff, NOW)
    assert report.anonymous, report
    assert report.search is not None
    assert (report.search.tried, report.search.originals) == (1, True)
    # The same device in a row that is still somebody's, because its time is not over.
    visits.objects.filter(page="page-0").update(device="rare")
    visits.objects.filter(page="page-1").update(device="common")
    visits.objects.create(account=builders.account(), seen_at=NOW, device="rare", page="page-0", mood="mood-0")
    kept = said(GOOD[:4], harmless=["device"], k=6, r=1)
    assert (Question.LINK, "same-value", "device") in codes(checker.check(kept, cutoff, NOW))
    longer = Rule(
        slug="devices", target="company.visit", anchor="seen_at", period="P5Y", action=Rule.Action.BLANK,
        fields=["device"], legal_reason="Needed longer.",
    )  # fmt: skip
    changing.put_in_force([drafts.save(longer, actor="a", now=NOW)], now=NOW, actor="b", version="2026.12")
    held = [found for found in checker.check(said(), cutoff, NOW).findings if found.code == "held-back"]
    assert [(found.column, found.rows, found.where) for found in held] == [("device", 9, "devices")]
    with pytest.raises(ValidationError, match="make it coarser only"):
        drafts.save(said([*GOOD[:2], "seen_at:=2020-01-01T00:00:00+00:00"]), actor="staff:author", now=NOW)
