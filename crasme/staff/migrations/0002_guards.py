"""The access log only grows, until its rule ends it."""

from django.db import migrations

from crasme.kit.append_only import append_only



class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial")]

    operations = [
        append_only("staff_accessentry", purgeable=True),
    ]
