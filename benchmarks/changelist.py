"""The desk's list of requests against Django's own admin over the same model and rows, in one process.

Server time only: the page is asked for through Django's test client, as a signed-in administrator, and read to the end.
Both lists show the same columns, fifty a page, over the same middleware. Django's is a stock `ModelAdmin` on a bare
`AdminSite` with Django's own templates; it does not log who looked, and hides no address.
"""

import random
import statistics
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django.contrib.admin
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from benchmarks.figures import Figure, seconds
from crasme import urls
from crasme.kit.clock import controller_day
from crasme.staff.models import User
from privacy.clock.deadlines import deadlines
from privacy.clock.events import Event, Kind
from privacy.models import Person, Request
from privacy.querysets import email_hash
from privacy.states import Outcome, State

ROWS = 100_000
TURNS, TIMES = 5, 5  # in turns, so that a neighbour's work disturbs both lists alike
BATCH = 5_000
AGAINST = "against a stock ModelAdmin, median"
OPEN_SHARE = 0.02  # of all; what a desk has in hand beside some years of history
AGENTS = 20
# Hashed and packed files would have to be collected first, for most of a minute; they cost both lists the same.
PLAIN = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
OURS, THEIRS = "/admin/privacy/request/", "/stock/privacy/request/"


class StockRequestAdmin(ModelAdmin):
    list_display = ("reference", "kind", "state", "person", "effective_due", "assignee", "channel", "received_on")
    list_filter = ("state", "kind", "regime", "outcome")
    search_fields = ("reference", "person__email")
    list_per_page = 50


stock = AdminSite(name="stock")
stock.register(Request, StockRequestAdmin)
urlpatterns = [*urls.urlpatterns, path("stock/", stock.urls)]


def run(rows: int) -> Iterator[Figure]:
    """Median seconds a page, and queries; `ratio` below 1 means that the desk's list is the faster one."""
    now = timezone.now()
    _fill(rows, now)
    wanted = Person.objects.order_by("pk")[rows // 4].email
    client = _client()
    with override_settings(ROOT_URLCONF=__name__, STORAGES=settings.STORAGES | {"staticfiles": PLAIN}):
        for name, ours, theirs, note in (
            ("page", {}, {}, "as each opens: the desk shows what is open, the stock admin everything"),
            ("all", {"clock": "all"}, {}, "both show everything, open and closed"),
            ("search", {"q": wanted}, {"q": wanted}, "for a whole e-mail address; the desk's words are posted"),
            ("filter", {"state__exact": "review"}, {"state__exact": "review"}, "by state: review"),
        ):
            desk, bare = _Page(client, OURS, ours), _Page(client, THEIRS, theirs)
            for _turn in range(TURNS):
                desk.measure()
                with stock_templates():
                    bare.measure()
            yield Figure(f"changelist_{name}", desk.median, "s", bare.median, rows, f"{note}; {AGAINST}")
            if name == "page":
                yield Figure("changelist_queries", desk.queries, "queries", bare.queries, rows, f"{note}; {AGAINST}")


class _Page:
    """One address of one list, asked for again and again."""

    def __init__(self, client: Client, address: str, parameters: dict[str, str]) -> None:
        self.client, self.url = client, f"{address}?{urlencode(parameters)}"
        self.words = parameters if address == OURS and "q" in parameters else {}
        self.taken: list[float] = []
        self.queries = 0

    def measure(self) -> None:
        """Some requests more; before them one for the queries, which also loads the templates."""
        with CaptureQueriesContext(connection) as captured:
            if self._get() == 0:
                raise RuntimeError(f"{self.url} shows no request")
        self.queries = len(captured)
        self.taken += [seconds(self._get) for _ in range(TIMES)]

    @property
    def median(self) -> float:
        return statistics.median(self.taken)

    def _get(self) -> int:
        """How many rows the page shows."""
        if self.words:  # as its box does it, and where that leads to
            answer = self.client.post(OURS, self.words, headers={"host": "localhost"}, follow=True)
        else:
            answer = self.client.get(self.url, headers={"host": "localhost"})
        if answer.status_code != 200:
            raise RuntimeError(f"{self.url} answered {answer.status_code}")
        return answer.content.count(b"PR-")


def stock_templates() -> Any:
    """Django's own templates before those of the theme."""
    own = Path(django.contrib.admin.__file__).parent / "templates"
    return override_settings(TEMPLATES=[settings.TEMPLATES[0] | {"DIRS": [own]}])


def _client() -> Client:
    user = User.objects.create_superuser("list@bench.example", "not asked for: the client is signed in by force")
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": ""})
    client = Client()
    client.force_login(user)
    return client


def _fill(rows: int, now: datetime) -> None:
    """Two requests a person, over three years; some open, the rest closed."""
    rng = random.Random(rows)
    agents = [User.objects.create_user(f"agent{index}@bench.example", is_staff=True) for index in range(AGENTS)]
    for numbers in batched(range(rows), BATCH):
        people = [_person(number, now) for number in numbers if number % 2 == 0]
        Person.objects.bulk_create(people)
        Request.objects.bulk_create(
            _request(rng, people[place // 2], agents, now) for place, _number in enumerate(numbers)
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE privacy_request, privacy_person, staff_user")


def _person(number: int, now: datetime) -> Person:
    email = f"person{number}@bench.example"
    return Person(email=email, email_hash=email_hash(email), full_name=f"Person {number}", created_at=now)


def _request(rng: random.Random, person: Person, agents: list[User], now: datetime) -> Request:
    still_open = rng.random() < OPEN_SHARE
    received = now - timedelta(days=rng.uniform(0, 40) if still_open else rng.uniform(40, 1_000))
    due = deadlines([Event(Kind.RECEIVED, controller_day(received))], "eu")
    return Request(
        kind=rng.choice((Request.Kind.ACCESS, Request.Kind.DELETION)),
        person=person,
        state=State.REVIEW if still_open else State.CLOSED,
        regime="eu",
        assignee=rng.choice(agents),
        received_at=received,
        received_on=controller_day(received),
        confirmed_at=received,
        closed_at=None if still_open else received + timedelta(days=rng.uniform(1, 29)),
        outcome="" if still_open else Outcome.GRANTED,
        promise_due=due.promise_due,
        law_due=due.law_due,
        effective_due=due.effective_due,
        rules_version=due.rules_version,
    )
