"""What the database refuses: moves that are not in the table, letters and versions that change, clocks that forget."""

from django.db import migrations

from crasme.kit.append_only import append_only
from privacy.models.letters import guard_sql
from privacy.states import trigger_sql



class Migration(migrations.Migration):
    dependencies = [("privacy", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=trigger_sql("privacy_request"),
            reverse_sql="DROP TRIGGER privacy_request_moves ON privacy_request; DROP FUNCTION privacy_request_moves();",
        ),
        migrations.RunSQL(
            sql=guard_sql("privacy_letter"),
            reverse_sql="DROP TRIGGER privacy_letter_text_stays ON privacy_letter;"
            " DROP TRIGGER privacy_letter_row_stays ON privacy_letter; DROP FUNCTION privacy_letter_stays;",
        ),
        append_only("privacy_clockevent", purgeable=True),
        append_only("privacy_policyversion"),
    ]
