from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from consent import sightings
from consent.middleware import CookieGuard
from consent.models import Category, Cookie, CookieSighting, RegistryVersion
from tests.consent.conftest import put_in_force

VISITOR = "0" * 32
ACCEPTED, REFUSED = f"1.f.1.-.{VISITOR}", f"1.1.1.-.{VISITOR}"
Declare = Callable[..., Cookie]


def through(
    view: Callable[[HttpRequest], Any], *, consent: str = "", gpc: str = "", known: str = "page/<token>/"
) -> Any:
    """What the guard lets out of a view's response."""
    request = RequestFactory().get("/", headers={"Sec-GPC": gpc} if gpc else {})
    if consent:
        request.COOKIES["crasme_consent"] = consent

    class Match:
        route = known

    request.resolver_match = Match()  # type: ignore[assignment]
    return CookieGuard(view)(request)


def setting(*names: str, **options: Any) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse("fine")
        for name in names:
            response.set_cookie(name, "value", **options)
        return response

    return view


def sending(header: str) -> Callable[[HttpRequest], HttpResponse]:
    return lambda request: HttpResponse(headers={"Set-Cookie": header})


def test_essential_cookies_pass_and_undeclared_ones_do_not(db: None) -> None:
    response = through(
        setting("crasme_session", "crasme_csrf", "messages", "tracker", "Crasme_Session", "crasme_session2")
    )
    assert set(response.cookies) == {"crasme_session", "crasme_csrf", "messages"}


@pytest.mark.parametrize(
    ("consent", "kept"),
    [
        ("", set()),
        (REFUSED, set()),
        (f"1.5.1.-.{VISITOR}", {"_stats", "_st.42"}),
        (ACCEPTED, {"_stats", "_st.42", "_speed"}),
        ("1.f.1.-.broken", set()),
        (f"1.f.0.-.{VISITOR}", set()),
    ],
)
def test_a_cookie_needs_its_category(declare: Declare, consent: str, kept: set[str]) -> None:
    declare("_stats", "analytics")
    declare("_st.*", "analytics")
    declare("_speed", "performance")
    assert set(through(setting("_stats", "_st.42", "_speed", "_st", "_statsx"), consent=consent).cookies) == kept


def test_the_longest_pattern_decides(declare: Declare) -> None:
    declare("_st*", "analytics")
    declare("_st_fast*", "performance")
    assert set(through(setting("_st_1", "_st_fast_1"), consent=f"1.5.1.-.{VISITOR}").cookies) == {"_st_1"}


def test_gpc_switches_off_what_was_granted_before_it(declare: Declare) -> None:
    declare("_stats", "analytics")
    declare("_look", "functional")
    assert set(through(setting("_stats", "_look"), consent=ACCEPTED, gpc="1").cookies) == {"_look"}
    assert set(through(setting("_stats"), consent=ACCEPTED, gpc="0").cookies) == {"_stats"}
    assert set(through(setting("_stats"), consent=ACCEPTED.replace("-", "g"), gpc="1").cookies) == {"_stats"}


def test_the_choice_that_a_response_stores_counts_for_it(declare: Declare) -> None:
    declare("_stats", "analytics")

    def view(request: HttpRequest) -> HttpResponse:
        response = setting("_stats")(request)
        response.set_cookie("crasme_consent", REFUSED)
        return response

    assert set(through(view, consent=ACCEPTED).cookies) == {"crasme_consent"}


def test_deletions_always_pass(db: None) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse()
        response.delete_cookie("tracker")
        response.set_cookie("other", "", expires="Thu, 01 Jan 1970 00:00:00 GMT")
        response.set_cookie("third", "x", max_age=-1)
        return response

    assert set(through(view).cookies) == {"tracker", "other", "third"}
    assert not CookieSighting.objects.exists()


def test_a_deletion_in_name_only_does_not_pass(db: None) -> None:
    """Max-Age beats Expires: this one would live for an hour."""

    def view(request: HttpRequest) -> HttpResponse:
        response = setting("tracker", max_age=3600)(request)
        response.cookies["tracker"]["expires"] = "Thu, 01 Jan 1970 00:00:00 GMT"
        return response

    assert not through(view).cookies


@pytest.mark.parametrize(
    ("header", "passes"),
    [
        ("crasme_session=1; Path=/; HttpOnly", True),
        ("tracker=1; Path=/", False),
        ("tracker=1; Max-Age=0", True),
        ("tracker=1; max-age=0; MAX-AGE=60", False),  # the last one counts
        ("tracker=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", True),
        ("tracker=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", False),
        ("tracker=1; Max-Age=soon; Expires=Thu, 01 Jan 2099 00:00:00 GMT", False),
        ("tracker=1; Expires=yesterday", False),
        ("tracker", False),  # a cookie without a name
        ("=tracker", False),
        ("  crasme_session =1", True),
        ("crasme_session=1, tracker=2", False),  # folded: some would read two
        ("crasme_session=1; Expires=Wed, 09 Jun 2100 10:18:14 GMT", True),
        ("__Host-crasme_session=1; Secure; Path=/", False),  # not the name that was declared
        ("__Host-id=1; Secure; Path=/; Partitioned", False),
        ("tracker=" + "x" * 5000, False),
        ("crasme_session\t=1", True),
    ],
)
def test_a_header_written_by_hand_is_read_as_browsers_do(db: None, header: str, passes: bool) -> None:
    assert through(sending(header)).headers.get("Set-Cookie") == (header if passes else None)


def test_a_picked_language_passes_only_on_the_answer_to_the_pick(db: None) -> None:
    def picked(request: HttpRequest) -> HttpResponse:
        response = setting("crasme_language", "tracker")(request)
        response.asked_for = {"crasme_language", "tracker"}  # type: ignore[attr-defined]
        return response

    assert set(through(picked).cookies) == {"crasme_language"}
    assert not through(setting("crasme_language")).cookies
    assert through(setting("crasme_language"), consent=f"1.3.1.-.{VISITOR}").cookies


def test_each_is_reported_once_with_the_route_and_without_the_path(declare: Declare) -> None:
    declare("_stats", "analytics")
    for _time in range(3):
        through(setting("tracker", "_stats"))
    through(setting("tracker"), known="other/")
    rows = CookieSighting.objects.order_by("name", "route").values_list("name", "route", "reason", "dropped", "count")
    assert list(rows) == [
        ("_stats", "/page/<token>/", "unconsented", True, 1),
        ("tracker", "/other/", "undeclared", True, 1),
        ("tracker", "/page/<token>/", "undeclared", True, 1),
    ]
    sightings.forget()  # as another process would
    through(setting("tracker"), known="other/")
    assert CookieSighting.objects.get(name="tracker", route="/other/").count == 2


def test_a_flood_of_names_ends(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sightings, "MOST_REPORTS", 5)
    through(setting(*(f"random{number}" for number in range(20))))
    assert CookieSighting.objects.count() == 5


def test_report_mode_drops_nothing(db: None, settings: Settings) -> None:
    settings.COOKIE_GUARD_MODE = "report"
    assert set(through(setting("tracker")).cookies) == {"tracker"}
    assert through(sending("raw=1")).headers["Set-Cookie"] == "raw=1"
    assert set(CookieSighting.objects.values_list("name", "dropped")) == {("tracker", False), ("raw", False)}


def test_a_mode_that_does_not_exist_stops_the_start(settings: Settings) -> None:
    settings.COOKIE_GUARD_MODE = "off"
    with pytest.raises(ImproperlyConfigured, match="enforce"):
        CookieGuard(setting())


def test_a_warm_guard_asks_the_database_nothing(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    through(setting("tracker", "crasme_session"))
    with django_assert_num_queries(0):
        through(setting("tracker", "crasme_session"), consent=ACCEPTED)
        through(setting())
        through(lambda request: StreamingHttpResponse(["a"]))


def test_a_database_that_is_away_takes_no_page_down(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> Any:
        raise DatabaseError

    monkeypatch.setattr(RegistryVersion.objects, "newest", away)
    monkeypatch.setattr(sightings, "insert_once", away)
    response = through(setting("crasme_session", "tracker"))
    assert response.content == b"fine"
    assert set(response.cookies) == {"crasme_session"}


def test_an_empty_registry_lets_people_sign_in(db: None) -> None:
    Cookie.objects.all().delete()
    Category.objects.all().delete()
    put_in_force()
    assert set(through(setting("crasme_session", "tracker")).cookies) == {"crasme_session"}
