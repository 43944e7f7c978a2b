"""Where the machine interface hangs. Each room's `api.py` does the work, by the services that the admin calls."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from consent.api import SuppressionCheckView
from crasme.crm.api import DisputeView, EventsView
from privacy.api import BrowsersView, PolicyView, RequestsView, RequestView

urlpatterns = [
    path("v1/events/", EventsView.as_view(), name="api-events"),
    path("v1/disputes/<slug:reference>/", DisputeView.as_view(), name="api-dispute"),
    path("v1/requests/", RequestsView.as_view(), name="api-requests"),
    path("v1/requests/<str:reference>/", RequestView.as_view(), name="api-request"),
    path("v1/accounts/<uuid:account>/policy/", PolicyView.as_view(), name="api-account-policy"),
    path("v1/accounts/<uuid:account>/browsers/", BrowsersView.as_view(), name="api-account-browsers"),
    path("v1/suppression/check/", SuppressionCheckView.as_view(), name="api-suppression-check"),
    path("schema/", SpectacularAPIView.as_view(permission_classes=[]), name="api-schema"),
    # Split: its script is a response of its own, since the content policy runs none that stands in a page.
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema", permission_classes=[]), name="api-docs"),
]
