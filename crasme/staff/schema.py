"""How the API description names the key; drf-spectacular finds it by import (crasme.staff.apps)."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "crasme.staff.keys.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "prefix.secret",
            "description": "A key made in the back office, sent as `Authorization: Bearer <prefix>.<secret>`.",
        }
