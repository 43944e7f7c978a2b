"""The machine interface: requests to enter and to follow, and what accounts accepted."""

from privacy.api.accounts import BrowsersView, PolicyView
from privacy.api.views import RequestsView, RequestView

__all__ = ["BrowsersView", "PolicyView", "RequestView", "RequestsView"]
