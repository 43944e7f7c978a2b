"""The months that a new installation takes events in, and a key that lets every held event be carried."""

from django.db import migrations
from django.utils import timezone

from crasme.kit.calendar import Period, add
from crasme.kit.partitions import ensure_months



def make_first_months(apps, schema_editor):
    """A new installation takes events at once, before its first task has run."""
    now = timezone.now()
    ensure_months(schema_editor.connection, "crm_usageevent", now, add(now, Period(months=3)))


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial")]

    operations = [
        # As in the partitioned table: a client's id is unique per instant only, and a carried row must never be refused.
        migrations.RunSQL(
            sql="ALTER TABLE crm_heldusageevent DROP CONSTRAINT crm_heldusageevent_pkey, ADD PRIMARY KEY (id, occurred_at);",
            reverse_sql="ALTER TABLE crm_heldusageevent DROP CONSTRAINT crm_heldusageevent_pkey, ADD PRIMARY KEY (id);",
        ),
        migrations.RunPython(make_first_months, migrations.RunPython.noop, elidable=False),
    ]
