import django.contrib.postgres.indexes
from django.db import migrations

import crasme.crm.names


class Migration(migrations.Migration):
    """People are found by any word of their name."""

    dependencies = [("crm", "0002_guards")]

    operations = [
        migrations.AddIndex(
            model_name="account",
            index=django.contrib.postgres.indexes.GinIndex(
                crasme.crm.names.NameWords("full_name"), name="crm_account_name_words"
            ),
        ),
    ]
