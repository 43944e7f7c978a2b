"""The least that Django can do with a choice: read the JSON, one INSERT, 204. The baseline of `consent_write`.

No middleware, no check, no cookie, no answer to a repeated id; the same database, server and settings of both. It is
started by granian as `benchmarks.bare_django:application`.
"""

import json
import os

import environ
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

if not settings.configured:
    settings.configure(
        DEBUG=False,
        SECRET_KEY=os.environ.get("SECRET_KEY", "bench"),
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DATABASES={"default": environ.Env().db("DATABASE_URL") | {"CONN_MAX_AGE": 300}},
    )


TABLE = (
    "CREATE TABLE bench_choice (id uuid PRIMARY KEY, visitor uuid NOT NULL, said jsonb NOT NULL,"
    " at timestamptz NOT NULL DEFAULT now())"
)


def insert(request: HttpRequest) -> HttpResponse:
    sent = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_choice (id, visitor, said) VALUES (%s, %s, %s)",
            [sent["id"], sent["visitor"], json.dumps(sent)],
        )
    return HttpResponse(status=204)


urlpatterns = [path("consent/events/", insert), path("health/live/", lambda request: HttpResponse("ok"))]
application = get_wsgi_application()
