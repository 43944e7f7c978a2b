"""The table of roles, as it stands in the database and as it opens and shuts real pages."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client, RequestFactory

from crasme.dashboard import navigation
from crasme.staff import roles
from crasme.staff.models import User
from crasme.staff.roles import AUDITOR, OPERATIONS, PRIVACY_OFFICER, ROLES, SUPPORT_AGENT
from tests.builders import make_user, sign_in
from tests.staff.knock import knock

pytestmark = pytest.mark.django_db

# Which lists each role opens. A page missing here fails the test below: whoever adds one decides who sees it.
EVERYBODY = frozenset({SUPPORT_AGENT, PRIVACY_OFFICER, OPERATIONS, AUDITOR})
WITH_PEOPLE = EVERYBODY - {OPERATIONS}
OVERSIGHT = frozenset({PRIVACY_OFFICER, OPERATIONS, AUDITOR})
LISTS = {
    "auth.Group": OVERSIGHT,
    "django_celery_beat.PeriodicTask": {OPERATIONS, AUDITOR},
    "ledger.Entry": OVERSIGHT,
    "ledger.Seal": OVERSIGHT,
    "privacy.Step": EVERYBODY,
    "privacy.WebhookDelivery": EVERYBODY,
    "privacy.WebhookEndpoint": EVERYBODY,
    "retention.BackupSet": OVERSIGHT,
    "retention.Hold": WITH_PEOPLE,
    "retention.HoldItem": WITH_PEOPLE,
    "retention.Plan": OVERSIGHT,
    "retention.Rule": EVERYBODY,
    "retention.Run": OVERSIGHT,
    "staff.Absence": EVERYBODY,
    "staff.AccessEntry": {PRIVACY_OFFICER, AUDITOR},
    "staff.ApiKey": OVERSIGHT,
    "staff.User": OVERSIGHT,
}
MODELS = [model for model in admin.site._registry if model._meta.app_label != "kit_tests"]


def who_sees(label: str) -> frozenset[str] | set[str]:
    return LISTS.get(label, WITH_PEOPLE if label.partition(".")[0] in ("crm", "consent", "privacy") else frozenset())


def member(role: str, **fields: object) -> User:
    """Somebody of that role who has a second factor."""
    user = make_user(role, **fields)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    return user


@pytest.fixture(params=[role.name for role in ROLES])
def role(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_pattern_of_the_table_means_something() -> None:
    assert roles.unmatched() == []


def test_each_role_opens_its_lists_and_no_other(role: str) -> None:
    user = member(role)
    opened = {model._meta.label for model in MODELS if opens(user, address(model))}
    assert opened == {model._meta.label for model in MODELS if role in who_sees(model._meta.label)}


def test_an_auditor_changes_nothing_anywhere() -> None:
    user = member(AUDITOR)
    for model in MODELS:
        assert knock(user, f"{address(model)}add/")[0] == 403, model
        assert knock(user, f"{address(model)}add/", "post")[0] == 403, model
        _status, listed = knock(user, address(model))
        page, context = admin.site._registry[model], getattr(listed, "context_data", None) or {}
        assert not context.get("has_import_permission"), model
        assert not context.get("has_export_permission"), model
        if "cl" in context:
            chosen = {name for name, _words in page.get_action_choices(listed.wsgi_request)}
            assert chosen <= {""}, f"{model}: an auditor may start {chosen}"
            offered = page.get_actions_list(listed.wsgi_request) + page.get_actions_row(listed.wsgi_request)
            assert offered == [], f"{model}: an auditor is offered {offered}"


def test_an_auditor_holds_view_permissions_only() -> None:
    held = Permission.objects.filter(group__name=AUDITOR).values_list("codename", flat=True)
    assert held
    assert {codename.split("_")[0] for codename in held} == {"view"}


def test_operations_sees_nobodys_data() -> None:
    held = Permission.objects.filter(group__name=OPERATIONS, content_type__app_label__in=["crm", "consent", "privacy"])
    work = {"view_step", "redrive_step", "view_webhookdelivery", "redeliver_webhook"}
    set_up = {f"{act}_webhookendpoint" for act in ("view", "add", "change")}  # where another system listens
    assert set(held.values_list("codename", flat=True)) == work | set_up


def test_nobody_both_proposes_from_the_desk_and_approves_there() -> None:
    agent = set(Permission.objects.filter(group__name=SUPPORT_AGENT).values_list("codename", flat=True))
    assert "propose_erasure" in agent
    assert "approve_erasure" not in agent


def test_what_was_clicked_by_hand_is_put_right() -> None:
    group = Group.objects.get(name=AUDITOR)
    before = set(group.permissions.values_list("pk", flat=True))
    group.permissions.add(Permission.objects.get(codename="approve_erasure"))
    group.permissions.remove(Permission.objects.get(codename="view_entry"))
    roles.sync()
    assert set(group.permissions.values_list("pk", flat=True)) == before


def test_a_renamed_permission_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "ROLES", (roles.Role("Auditor", "", ("crm.view_*", "crm.no_such_thing")),))
    assert roles.unmatched() == ["Auditor: crm.no_such_thing"]
    roles.sync()  # tolerated: a later migration may bring it
    assert Group.objects.get(name="Auditor").permissions.exists()


def opens(user: User, path: str) -> bool:
    status, response = knock(user, path)
    return knock(user, response["Location"])[0] == 200 if response and status == 302 else status == 200


def menu(user: User) -> set[str]:
    request = RequestFactory().get("/admin/")
    request.user = user
    return {str(item["link"]).partition("?")[0] for group in navigation(request) for item in group["items"]}


def test_the_menu_leads_nowhere_that_is_shut(role: str) -> None:
    user = member(role)
    links = {link for link in menu(user) if link.startswith("/")}
    assert len(links) > 3
    assert {link for link in links if not opens(user, link)} == set()


def test_the_menu_holds_every_page() -> None:
    assert {address(model) for model in MODELS} - menu(member(AUDITOR, is_superuser=True)) == set()


def test_one_thing_has_one_name_and_no_other_thing_has_it() -> None:
    """In the menu, above its list and behind the number of its rows."""
    user = member(AUDITOR, is_superuser=True)
    request = RequestFactory().get("/admin/")
    request.user = user
    named = {str(item["link"]): str(item["title"]) for group in navigation(request) for item in group["items"]}
    assert len(set(named.values())) == len(named)
    assert named["/admin/auth/group/"] == "Roles"
    client = Client()
    sign_in(client, user)
    for link in ("/admin/auth/group/", "/admin/consent/suppression/", "/admin/retention/backupset/"):
        page = client.get(link).context
        assert page["title"] == named[link]
        assert str(page["cl"].opts.verbose_name_plural) == named[link].lower()


def address(model: type) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
