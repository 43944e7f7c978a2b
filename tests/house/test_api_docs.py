"""The machine interface's own pages, under the content policy of the public ones."""

import html
import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_the_documentation_s_script_is_one_that_the_content_policy_runs(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    assert not re.findall(r"<script>|<script (?!src=)", page)
    (own,) = re.findall(r'<script src="([^"]*script[^"]*)"></script>', page)
    assert b"SwaggerUIBundle" in client.get(html.unescape(own)).content
