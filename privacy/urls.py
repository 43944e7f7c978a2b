"""Public addresses of this room, hung at the root of the site."""

from django.urls import URLPattern, path
from django.views.generic import RedirectView

from privacy import references  # noqa: F401  (registers the converter of references)
from privacy.views import (
    admission,
    asking,
    children,
    corrections,
    evidence,
    handoff,
    language,
    policy,
    preferences,
    recipients,
    referrals,
    representatives,
    requests,
)

urlpatterns: list[URLPattern] = [
    path("", policy.home, name="home"),
    path("policy/", policy.policy, name="policy"),
    path("policy/<str:version>/", policy.policy_version, name="policy-version"),
    path("evidence/verify/", evidence.verify, name="evidence-verify"),
    path(".well-known/evidence-keys.json", evidence.keys, name="evidence-keys"),
    path("requests/new/", asking.new, name="request-new"),
    path("requests/done/", asking.done, name="request-done"),
    path("requests/challenge/", admission.challenge, name="request-challenge"),
    path("requests/handoff/", handoff.signed_in, name="request-handoff"),
    path("requests/representative/", representatives.represent, name="request-representative"),
    path("requests/representative/sent/", representatives.sent, name="representative-sent"),
    path("requests/release/<str:token>/", representatives.release, name="release"),
    path("requests/<reference:reference>/released/", representatives.released, name="released"),
    path("requests/<reference:reference>/representative/", representatives.choose, name="request-choose"),
    path("requests/child/", children.report, name="request-child"),
    path("requests/child/sent/", children.sent, name="request-child-sent"),
    path("referrals/<str:token>/", referrals.referral, name="referral"),
    path("requests/sent/", asking.sent, name="request-sent"),
    path("requests/code/", asking.code, name="request-code"),
    path("requests/link/", asking.link, name="request-link"),
    path("requests/confirm/<str:token>/", asking.confirm, name="request-confirm"),
    path("requests/new-mailbox/<str:token>/", corrections.new_mailbox, name="new-mailbox"),
    path("recipients/acknowledge/<str:token>/", recipients.acknowledge, name="recipient-acknowledge"),
    path("requests/<reference:reference>/", requests.status, name="request-status"),
    path("requests/<reference:reference>/link/", asking.link, name="request-link-for"),
    path("requests/<reference:reference>/reply/", requests.reply, name="request-reply"),
    path("requests/<reference:reference>/without-the-copy/", requests.go_on, name="request-go-on"),
    path("requests/<reference:reference>/withdraw/", requests.withdraw, name="request-withdraw"),
    path("requests/<reference:reference>/resume/", requests.resume, name="request-resume"),
    path("requests/<reference:reference>/beside/<reference:other>/", requests.beside, name="request-beside"),
    path("requests/<reference:reference>/leave/", requests.leave, name="request-leave"),
    path("requests/<reference:reference>/download/", requests.download, name="request-download"),
    path("requests/<reference:reference>/corrections/", corrections.propose, name="request-corrections"),
    # Where staff look for it, beside this room's other pages; the roof draws it (crasme.dashboard).
    path("admin/privacy/promises/", RedirectView.as_view(pattern_name="admin:promises"), name="promises"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/sent/", preferences.sent, name="preferences-sent"),
    path("preferences/open/<str:token>/", preferences.open_by_link, name="preferences-open"),
    path("preferences/handoff/", preferences.open_by_handoff, name="preferences-handoff"),
    path("language/", language.language, name="language"),
]
