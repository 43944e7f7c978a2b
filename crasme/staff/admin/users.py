"""Staff users and their roles.

What could go wrong: somebody gives themselves rights, or takes over a colleague. So nobody changes their own roles,
only a superuser touches superusers, no password is ever typed here (a link is mailed to its owner), and every change
of roles is in the ledger.
"""

from typing import Any, ClassVar

from allauth.account.forms import ResetPasswordForm
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _, ngettext
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from crasme.kit.text import normalise_email
from crasme.staff import services
from crasme.staff.admin.base import ReadOnlyAdmin, StaffModelAdmin
from crasme.staff.admin.confirm import confirmed
from crasme.staff.admin.personal import PersonalDataAdmin
from crasme.staff.models import User
from crasme.staff.roles import ROLES


class UserForm(forms.ModelForm):
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "language", "is_active", "is_superuser", "groups")
        widgets: ClassVar = {"groups": UnfoldAdminCheckboxSelectMultipleWidget}

    def clean_email(self) -> str:
        return normalise_email(self.cleaned_data["email"])


@admin.register(User)
class UserAdmin(PersonalDataAdmin):
    form = UserForm
    list_display = ("person", "email", "roles", "active", "last_login")
    list_filter = ("groups", "is_active")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("first_name", "last_name", "pk")
    readonly_fields = ("last_login", "date_joined", "left_at")
    fieldsets = (
        (None, {"fields": ("email", ("first_name", "last_name"), "language")}),
        (_("What they may do"), {"fields": ("groups", "is_active", "is_superuser")}),
        (_("Dates"), {"fields": (("last_login", "date_joined", "left_at"),)}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", ("first_name", "last_name"), "language")}),
        (_("What they may do"), {"fields": ("groups",)}),
    )
    actions_detail = ("mail_password_link", "reset_second_factor")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request)
        return users.prefetch_related("groups")

    @display(description=_("name"), header=True, ordering="first_name")
    def person(self, user: User) -> list[str]:
        return [user.get_full_name() or str(user), "", user.initials]

    @display(description=_("roles"))
    def roles(self, user: User) -> str:
        named = [_("Superuser")] if user.is_superuser else []
        return ", ".join(str(name) for name in [*named, *(group.name for group in user.groups.all())]) or "–"

    @display(description=_("active"), boolean=True, ordering="is_active")
    def active(self, user: User) -> bool:
        return user.is_active and user.is_staff

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fixed = list(super().get_readonly_fields(request, obj))
        if obj is not None and obj.pk == request.user.pk:
            fixed += ["groups", "is_active", "is_superuser"]
        elif not request.user.is_superuser:
            fixed += ["is_superuser"]
        return tuple(fixed)

    def has_change_permission(self, request: HttpRequest, obj: User | str | None = None) -> bool:
        # The theme asks with the bare id for the buttons on a page; a mistyped one is nobody's.
        user = obj if isinstance(obj, User) or obj is None else self.get_object(request, obj)
        beyond = user is not None and user.is_superuser and not request.user.is_superuser
        return not beyond and super().has_change_permission(request, user)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_reset_second_factor_permission(self, request: HttpRequest, obj: User | str | None = None) -> bool:
        return request.user.has_perm("staff.reset_second_factor_user") and self.has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.left_at = None if obj.is_active else obj.left_at or timezone.now()
        obj._powers_before = services.powers(User.objects.get(pk=obj.pk)) if change else []  # type: ignore[attr-defined]
        if not change:
            obj.is_staff = True
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        user = form.instance
        services.record_powers(user, before=user._powers_before, actor=request.user.ref)  # type: ignore[union-attr]

    @action(description=_("Mail a password link"), permissions=["change"], icon="mail")
    @confirmed(
        title=_("Mail a password link"),
        text=_("{object} gets a mail with a link to choose a new password. The old one works until then."),
        button=_("Send the mail"),
    )
    def mail_password_link(self, request: HttpRequest, object_id: str, form: forms.Form) -> HttpResponse:
        user = User.objects.get(pk=object_id)
        letter = ResetPasswordForm({"email": user.email})
        try:
            if letter.is_valid():
                letter.save(request)
            self.message_user(request, _("The link is on its way."), messages.SUCCESS)
        except OSError:
            self.message_user(request, _("The mail server did not take the mail; try again later."), messages.ERROR)
        return redirect("admin:staff_user_change", object_id)

    @action(description=_("Reset the second factor"), permissions=["reset_second_factor"], icon="phonelink_erase")
    @confirmed(
        title=_("Reset the second factor"),
        text=_("{object} lost their phone or key? They sign in with the password alone once, and set up a new one."),
        button=_("Reset it"),
        danger=True,
    )
    def reset_second_factor(self, request: HttpRequest, object_id: str, form: forms.Form) -> HttpResponse:
        user = User.objects.get(pk=object_id)
        gone = services.reset_second_factor(user, actor=request.user.ref)  # type: ignore[union-attr]
        said = ngettext("{n} authenticator was removed.", "{n} authenticators were removed.", gone).format(n=gone)
        self.message_user(request, said, messages.SUCCESS)
        return redirect("admin:staff_user_change", object_id)


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin, StaffModelAdmin):
    """Roles are made by code (crasme.staff.roles); here one reads what they mean and who has them."""

    called = (_("role"), _("roles"))
    list_display = ("name", "meaning", "members")
    fields = ("name", "meaning", "members", "rights")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).prefetch_related("user_set")

    @display(description=_("what it is for"))
    def meaning(self, group: Group) -> str:
        return next((role.does for role in ROLES if role.name == group.name), "–")

    @display(description=_("who has it"))
    def members(self, group: Group) -> str:
        return ", ".join(str(user) for user in group.user_set.all()) or "–"

    @display(description=_("what it may do"))
    def rights(self, group: Group) -> str:
        held = Permission.objects.filter(group=group).select_related("content_type")
        names = held.order_by("content_type__app_label", "codename")
        return format_html_join("\n", "<div>{}.{}</div>", ((p.content_type.app_label, p.codename) for p in names))
