"""What every test of this room needs: no memory of another test's rows, and a short way to make a choice."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consent import drafting, notices, registry, services, sightings
from consent.models import Category as CookieCategory, ConsentEvent, Cookie, RegistryVersion, Service
from crasme.kit.ids import uuid7

Choose = Callable[..., tuple[ConsentEvent, bool]]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """The process keeps the registry for half a minute; a test's rows are rolled back sooner."""
    for remembering in (registry, notices, sightings):
        remembering.forget()
    yield
    for remembering in (registry, notices, sightings):
        remembering.forget()


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def choose(db: None, now: datetime) -> Choose:
    """Record a choice: `choose(action="save", choices={"analytics": True})`; whatever is given wins."""

    def record(**given: Any) -> tuple[ConsentEvent, bool]:
        defaults: dict[str, Any] = {
            "event_id": uuid7(),
            "visitor": uuid.uuid4(),
            "choices": {},
            "action": "save",
            "surface": "api",
            "notice_sha": notices.current("en")["sha256"],
            "language": "en",
            "gpc": False,
            "decided_at": now,
            "now": now,
        }
        return services.record_choice(**defaults | given)

    return record


def put_in_force() -> None:
    """The draft as it is, in force without asking anybody."""
    content = drafting.content()
    RegistryVersion.objects.create(
        number=RegistryVersion.objects.count() + 1, sha256=drafting.version(), content=content,
        published_at=datetime.now(UTC), published_by="test",
    )  # fmt: skip
    registry.forget()


@pytest.fixture
def declare(db: None) -> Callable[..., Cookie]:
    """Declare a cookie: `declare("_stats*", "analytics")`."""

    def make(name: str, category: str, **fields: Any) -> Cookie:
        row = Cookie.objects.create(
            name=name,
            category=CookieCategory.objects.get(slug=category),
            service=Service.objects.get(slug="site"),
            purpose="Counts.",
            **{"lifetime": "P13M"} | fields,
        )
        put_in_force()
        return row

    return make


def ago(now: datetime, **parts: float) -> datetime:
    return now - timedelta(**parts)
