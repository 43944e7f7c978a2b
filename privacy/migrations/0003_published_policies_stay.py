"""Published policies are never changed or removed, by the database's own refusal."""

from django.db import migrations

from crasme.kit.append_only import append_only


class Migration(migrations.Migration):

    dependencies = [
        ("privacy", "0002_guard_requests"),
    ]

    operations = [
        append_only("privacy_policyversion"),
    ]
