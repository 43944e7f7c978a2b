"""django-cookie-consent as its own documentation sets it up, with its log on: what `consent_write` stands beside.

It runs in an environment of its own that is thrown away, and knows nothing of this product. Its check against forged
forms is left out, which only makes it faster. Started by granian as `peer_cookie_consent:application`.
"""

import os
from urllib.parse import urlsplit

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path

URL = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    DEBUG=False,
    SECRET_KEY="bench",  # noqa: S106
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "cookie_consent"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "cookie_consent.middleware.CleanCookiesMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    COOKIE_CONSENT_LOG_ENABLED=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PEER_DATABASE"],
            "USER": URL.username,
            "PASSWORD": URL.password,
            "HOST": URL.hostname or os.environ.get("PGHOST", ""),
            "PORT": URL.port or "",
            "CONN_MAX_AGE": 300,
        }
    },
)

application = get_wsgi_application()  # before its addresses: they read models, which want the apps to be there

urlpatterns = [
    path("cookies/", include("cookie_consent.urls")),
    path("health/live/", lambda request: HttpResponse("ok")),
]


def prepare() -> None:
    """Its tables, and three groups with a cookie each."""
    from cookie_consent.models import Cookie, CookieGroup
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for name in ("functional", "analytics", "performance"):
        group = CookieGroup.objects.create(varname=name, name=name)
        Cookie.objects.create(cookiegroup=group, name=name, domain="localhost")


if __name__ == "__main__":
    prepare()
