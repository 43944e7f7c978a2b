"""Where the machine interface hangs. Each room's `api.py` does the work, by the services that the admin calls."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from crasme.crm.api import EventsView

urlpatterns = [
    path("v1/events/", EventsView.as_view(), name="api-events"),
    path("schema/", SpectacularAPIView.as_view(permission_classes=[]), name="api-schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api-schema", permission_classes=[]), name="api-docs"),
]
