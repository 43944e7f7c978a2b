"""Public addresses of this room, hung at the root of the site."""

from django.urls import path, re_path

from consent.views import events, preferences, receipt, state, survivors, unsubscribe, wellknown

urlpatterns = [
    path("cookies/", preferences.preferences, name="cookies"),
    path("cookies/receipt/", receipt.page, name="consent-receipt"),
    path("cookies/receipt.json", receipt.download, name="consent-receipt-file"),
    path("cookies/receipt/verify_receipt.py", receipt.script, name="consent-receipt-script"),
    path(".well-known/consent-receipt-keys.json", receipt.keys, name="consent-receipt-keys"),
    path("consent/events/", events.receive, name="consent-events"),
    path("consent/events/shown/", events.shown, name="consent-shown"),
    path("consent/events/survivors/", survivors.receive, name="consent-survivors"),
    path("consent/state.css", state.state, name="consent-state"),
    # The final slash may be missing: a mail program that lost it must not be redirected, which would lose the POST.
    re_path(r"^unsubscribe/(?P<token>[A-Za-z0-9_-]{1,200})/?$", unsubscribe.unsubscribe, name="unsubscribe"),
    path(".well-known/gpc.json", wellknown.gpc, name="gpc"),
]
