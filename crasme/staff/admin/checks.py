"""The theme's own check of admin actions, without the database.

What could go wrong: the theme looks a permission up in a table, so `migrate` and `check` fail on an empty database,
where every installation begins. The models say which permissions will exist.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.core import checks
from unfold.checks import UnfoldModelAdminChecks


def declared_permissions() -> set[str]:
    """Every permission of every installed model, as "app_label.codename"."""
    found = set()
    for model in apps.get_models():
        options = model._meta
        names = [get_permission_codename(action, options) for action in options.default_permissions]
        names += [codename for codename, _words in options.permissions]
        found |= {f"{options.app_label}.{name}" for name in names}
    return found


class StaffModelAdminChecks(UnfoldModelAdminChecks):
    def _check_unfold_action_permission_methods(self, obj: Any) -> list[checks.CheckMessage]:
        declared = declared_permissions()
        listed = (
            *obj._get_base_actions_list(),
            *obj._get_base_actions_detail(),
            *obj._get_base_actions_row(),
            *obj._get_base_actions_submit_line(),
        )
        return [
            checks.Error(
                f"An action of {type(obj).__name__} asks for {wanted!r}, which no model declares and no "
                f"has_{wanted}_permission() answers.",
                obj=type(obj),
                id="staff.E001",
            )
            for action in listed
            for wanted in getattr(action.method, "allowed_permissions", ())
            if wanted not in declared and not hasattr(obj, f"has_{wanted}_permission")
        ]
