"""Every address of the site. Rooms bring their own; this file says where they hang."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from crasme import api, health

handler403 = "crasme.staff.forbidden.forbidden"
handler404 = "crasme.staff.nowhere.nowhere"

urlpatterns = [
    path("", include("privacy.urls")),
    path("", include("consent.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("crasme.staff.urls")),
    path("api/", include(api.urlpatterns)),
    path("health/live/", health.live, name="health-live"),
    path("health/ready/", health.ready, name="health-ready"),
    path("metrics", health.metrics, name="metrics"),
]

if settings.DEBUG:
    from crasme import inbox

    urlpatterns.append(path("inbox/", include(inbox.urlpatterns)))
