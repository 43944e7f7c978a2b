"""The machine interface of requests: entering them for somebody, and following them."""

from privacy.api.views import RequestsView, RequestView

__all__ = ["RequestView", "RequestsView"]
