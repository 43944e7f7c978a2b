"""The way to the task monitor (Flower), which asks for a name and a password of its own.

What could go wrong: a colleague stands before a sign-in whose password nobody told them, or a password on a page. So it
is said where it is set; only a local start, where everybody may know it, shows it.
"""

from typing import Any

from django.conf import settings
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin


class MonitorPage(UnfoldSiteViewMixin, TemplateView):
    title = _("Task monitor")
    permission_required = ("django_celery_beat.change_periodictask",)
    template_name = "admin/dashboard/monitor.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if not settings.FLOWER_URL:
            raise Http404
        known = {"address": settings.FLOWER_URL, "user": settings.FLOWER_USER, "password": settings.FLOWER_PASSWORD}
        return super().get_context_data(**kwargs) | {"monitor": known}
