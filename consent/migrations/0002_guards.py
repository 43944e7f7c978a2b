"""Choices, notices and versions are written once."""

from django.db import migrations

from crasme.kit.append_only import append_only



class Migration(migrations.Migration):
    dependencies = [("consent", "0001_initial")]

    operations = [
        append_only("consent_notice"),
        append_only("consent_consentevent", purgeable=True),
        append_only("consent_registryversion"),
        append_only("consent_acceptance", purgeable=True),
        append_only("consent_noticepicture"),
        append_only("consent_heldconsentevent", purgeable=True),
        append_only("consent_marketingchoice", purgeable=True),
    ]
