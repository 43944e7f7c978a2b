"""Actions of the admin ask for permissions that will exist, and finding that out needs no table."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action

from crasme.staff.admin.base import StaffModelAdmin
from crasme.staff.admin.checks import declared_permissions
from crasme.staff.models import User


class Known(StaffModelAdmin):
    actions_detail = ("look",)

    @action(description="Look", permissions=["staff.view_user", "staring"])
    def look(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponse()

    def has_staring_permission(self, request: HttpRequest) -> bool:
        return True


class Unknown(StaffModelAdmin):
    actions_detail = ("look",)

    @action(description="Look", permissions=["staff.see_everything"])
    def look(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponse()


def found(kind: type[StaffModelAdmin]) -> list[str]:
    """The check's findings; a test without database access would fail on a query."""
    return [str(error.msg) for error in kind(User, admin.site).check() if error.id == "staff.E001"]


def test_a_declared_permission_and_an_own_method_are_fine() -> None:
    assert found(Known) == []


def test_a_permission_that_no_model_declares_is_named() -> None:
    assert len(found(Unknown)) == 1
    assert "'staff.see_everything'" in found(Unknown)[0]


def test_default_permissions_count_as_declared() -> None:
    assert {"staff.add_user", "staff.view_user"} <= declared_permissions()
