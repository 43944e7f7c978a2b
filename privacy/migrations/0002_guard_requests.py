"""What the database itself refuses: moves that are not in the table, and changes to what happened to a clock."""

from django.db import migrations

from crasme.kit.append_only import append_only
from privacy.states import trigger_sql


class Migration(migrations.Migration):

    dependencies = [
        ("privacy", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=trigger_sql("privacy_request"),
            reverse_sql="DROP TRIGGER privacy_request_moves ON privacy_request; DROP FUNCTION privacy_request_moves();",
        ),
        append_only("privacy_clockevent", purgeable=True),
    ]
