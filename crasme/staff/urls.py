"""Signing in and keeping one's own account safe. Only what staff need of allauth; the rest has no address here.

Names are allauth's, since its views and templates reverse them. Sign-up is closed by the adapter, and an address is
changed by a colleague in the admin, never by its owner: it is how the ledger of roles knows them.
"""

from allauth.account import views
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from crasme.staff.forgotten import ForgottenForm
from crasme.staff.views import SignInView

urlpatterns = [
    path("login/", SignInView.as_view(), name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("signup/", views.signup, name="account_signup"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("email/", RedirectView.as_view(pattern_name="mfa_index"), name="account_email"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", views.password_set, name="account_set_password"),
    path(
        "password/reset/",
        views.PasswordResetView.as_view(form_class=ForgottenForm),
        name="account_reset_password",
    ),
    path("password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", views.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("2fa/", include("allauth.mfa.urls")),
]
