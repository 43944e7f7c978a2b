"""Which changes of the registry ask which visitors again, and the tables by which it comes and goes."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tablib import Dataset

from consent import changes, drafting
from consent.models import Cookie, Service
from consent.sheets import OCD, CookieSheet, OpenCookieExport, OpenCookieSheet, lifetime
from crasme.kit.formats import CSV
from tests.builders import make_user, sign_in

PURPOSE = "Counts how often each page is visited."


def base() -> drafting.Content:
    def service(slug: str, provider: str) -> dict[str, Any]:
        return {
            "slug": slug, "name": slug, "provider": provider, "controller": "", "recipient": "", "policy_url": "",
            "translations": {},
        }  # fmt: skip

    def category(slug: str, bit: int, purpose: str) -> dict[str, Any]:
        return {
            "slug": slug, "bit": bit, "position": bit, "essential": bit == 0, "off_under_gpc": bit > 1, "title": slug,
            "purpose": purpose, "translations": {},
        }  # fmt: skip

    def cookie(name: str, category: str, life: str, purpose: str) -> dict[str, Any]:
        return {
            "name": name, "kind": "cookie", "domain": "", "path": "/", "service": "site", "category": category,
            "lifetime": life, "purpose": purpose, "party": "first", "http_only": False, "on_request": False,
            "translations": {},
        }  # fmt: skip

    return {
        "categories": [
            category("essential", 0, "Needed."),
            category("functional", 1, "Remember how you like it."),
            category("analytics", 2, "See which pages are used."),
        ],
        "services": [service("site", "Concaide"), service("measure", "Measure Ltd.")],
        "cookies": [
            cookie("_stats", "analytics", "P6M", PURPOSE),
            cookie("lang", "functional", "session", "Language."),
            cookie("sid", "essential", "session", "Keeps you signed in."),
        ],
    }


def edited(table: str, row: int, **values: Any) -> drafting.Content:
    new = copy.deepcopy(base())
    new[table][row] |= values
    return new


def added(**values: Any) -> drafting.Content:
    new = copy.deepcopy(base())
    new["cookies"].append(new["cookies"][0] | values)
    return new


@pytest.mark.parametrize(
    ("new", "kind", "asked"),
    [
        (edited("cookies", 0, lifetime="P7M"), "longer", ["analytics"]),
        (edited("cookies", 0, lifetime="P1D"), "less", []),
        (edited("cookies", 0, lifetime="persistent"), "longer", ["analytics"]),
        (edited("cookies", 1, lifetime="PT2M"), "longer", ["functional"]),
        (edited("cookies", 2, lifetime="P1Y"), "longer", []),  # nobody can refuse what is essential
        (edited("cookies", 0, service="measure"), "recipient", ["analytics"]),
        (edited("cookies", 0, party="third"), "recipient", ["analytics"]),
        (edited("cookies", 0, category="functional"), "purpose", ["functional"]),
        (edited("cookies", 0, domain=".example.com"), "wider", ["analytics"]),
        (edited("cookies", 0, purpose="Counts how often each page is visted."), "wording", []),
        (edited("cookies", 0, purpose="COUNTS how often each page, is visited"), "wording", []),
        (edited("cookies", 0, purpose="Counts how often no page is visited."), "reworded", ["analytics"]),
        (edited("cookies", 0, purpose=PURPOSE + " Shows advertising."), "reworded", ["analytics"]),
        (edited("cookies", 0, translations={"de": {"purpose": "Zählt Besuche."}}), "wording", []),
        (edited("services", 0, provider="Someone else"), "recipient", ["analytics", "functional"]),
        (edited("services", 0, recipient="adnet"), "recipient", ["analytics", "functional"]),
        (edited("services", 0, name="Our site"), "wording", []),
        (edited("services", 1, provider="Another"), "recipient", []),  # nothing of theirs is declared
        (edited("categories", 2, title="Statistics"), "wording", []),
        (edited("categories", 2, purpose="See which pages are used, and sell it."), "reworded", ["analytics"]),
        (edited("categories", 2, off_under_gpc=False), "wider", ["analytics"]),
        (added(name="_stats2"), "wording", []),  # nothing in it that was not agreed to
        (added(name="_ads", purpose="Shows advertising."), "purpose", ["analytics"]),
        (added(name="_ads", service="measure"), "recipient", ["analytics"]),
    ],
)
def test_each_change_is_what_it_is_and_asks_whom_it_touches(new: drafting.Content, kind: str, asked: list[str]) -> None:
    found = changes.between(base(), new)
    assert found[0].kind == kind
    assert changes.asked_by(found) == asked
    # What a person vouches for is asked of nobody; what more is done is asked whatever anybody says.
    vouched = changes.asked_by(found, same_meaning={each.key for each in found})
    assert vouched == ([] if kind == "reworded" else asked)


def test_a_recipient_that_is_called_almost_the_same_is_another() -> None:
    old, new = base(), base()
    old["services"][0]["recipient"], new["services"][0]["recipient"] = "stripe", "stride"
    assert changes.asked_by(changes.between(old, new)) == ["analytics", "functional"]


def test_nothing_changes_nothing_and_a_first_version_asks_everything() -> None:
    assert changes.between(base(), base()) == []
    assert changes.asked_by(changes.between(drafting.EMPTY, base())) == ["analytics", "functional"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("2 years", "P2Y"),
        ("13 months", "P13M"),
        ("90 days", "P90D"),
        ("24 hours", "PT24H"),
        ("30 minutes", "PT30M"),
        ("Session", "session"),
        ("10 seconds", "PT1M"),
        ("1 week", "P1W"),
        ("until told otherwise", ""),
        ("-1 day", ""),
    ],
)
def test_their_periods_become_ours_or_are_refused_with_a_remedy(theirs: str, ours: str) -> None:
    if ours:
        assert lifetime(theirs) == ours
    else:
        with pytest.raises(ValidationError, match="2 years"):
            lifetime(theirs)


def ocd(*rows: tuple[str, ...]) -> Dataset:
    return Dataset(*rows, headers=list(OCD))


GOOD = ("1", "Measure", "Marketing", "_ms", "measure.example (3rd party)", "Shows ads.", "2 years", "Measure Ltd.")
MAPPING = {"functional": "functional", "marketing": "analytics", "security": "essential"}


def test_the_open_cookie_database_is_taken_whole_or_refused_by_row_and_column(db: None) -> None:
    before = Cookie.objects.count()
    sheet = OpenCookieSheet(actor="staff:1", mapping=MAPPING | {"security": ""})
    refused = sheet.import_data(ocd((*GOOD, "https://measure.example/rights", "1")))
    assert "Security" in str(refused.base_errors[0].error)

    wrong = ocd((*GOOD, "", "1"), ("2", "X", "Fun", *GOOD[3:], "", "0"), (*GOOD[:6], "soon", "M", "", "0"))
    result = OpenCookieSheet(actor="staff:1", mapping=MAPPING).import_data(wrong, rollback_on_validation_errors=True)
    assert [row.number for row in result.invalid_rows] == [2, 3]
    assert "Fun" in str(result.invalid_rows[0].error)
    assert "Retention period" in str(result.invalid_rows[1].error)
    assert Cookie.objects.count() == before

    good = ocd((*GOOD, "https://measure.example/rights", "1"))
    result = OpenCookieSheet(actor="staff:1", mapping=MAPPING).import_data(good, raise_errors=True)
    assert not result.has_errors()
    cookie = Cookie.objects.select_related("service", "category").get(name="_ms*")
    assert (cookie.category.slug, cookie.lifetime, cookie.party, cookie.domain) == (
        "analytics", "P2Y", "third", "measure.example",
    )  # fmt: skip
    assert Service.objects.get(slug="measure").controller == "Measure Ltd."
    (row,) = [row for row in OpenCookieExport().export().dict if row["Cookie / Data Key name"] == "_ms"]
    assert (row["Retention period"], row["Wildcard match"], row["Platform"]) == ("2 years", "1", "Measure")


def test_our_own_table_comes_back_as_it_went_and_runs_no_formula(db: None, declare: Callable[..., Cookie]) -> None:
    declare("_stats*", "analytics")
    Cookie.objects.filter(name="_stats*").update(purpose="=HYPERLINK(1)")
    table = CSV().export_data(CookieSheet().export())
    assert b"'=HYPERLINK" in table
    result = CookieSheet(actor="staff:1").import_data(CSV().create_dataset(table), raise_errors=True)
    assert result.totals["skip"] == Cookie.objects.count()
    changed = table.replace(b"P13M", b"P1Y").replace(b"messages,", b"bad name,")
    result = CookieSheet(actor="staff:1").import_data(CSV().create_dataset(changed), rollback_on_validation_errors=True)
    (invalid,) = result.invalid_rows
    assert "no spaces" in str(invalid.error)
    assert Cookie.objects.get(name="_stats*").lifetime == "P13M"


def test_a_file_goes_through_the_admin_with_its_mapping(client: Client, db: None) -> None:
    sign_in(client, make_user(is_superuser=True))
    table = CSV().export_data(ocd((*GOOD, "", "1")))
    sent = {"resource": "1", "format": "0", "import_file": SimpleUploadedFile("ocd.csv", table)}
    sent |= {f"map_{name}": slug for name, slug in MAPPING.items()}
    page = client.post("/admin/consent/cookie/import/", sent)
    confirm = page.context["confirm_form"]
    done = client.post("/admin/consent/cookie/process_import/", confirm.initial)
    assert done.status_code == 302
    assert Cookie.objects.get(name="_ms*").category.slug == "analytics"
    out = client.post("/admin/consent/cookie/export/", {"resource": "1", "format": "0"})
    assert out.status_code == 200
    assert b"Wildcard match" in out.content
