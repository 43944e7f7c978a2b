"""The members that every RFC 9457 problem document of this house has, for the descriptions of the interfaces.

What could go wrong: two interfaces describe one shape differently. So each adds its `errors` to this one.
"""

from typing import Any

from rest_framework import serializers


class ProblemDocument(serializers.Serializer[Any]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="A slug that never changes.")
