"""Whether a copy was fetched to its end, and not only asked for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0002_guards")]

    operations = [
        migrations.AddField(
            model_name="package",
            name="fetched_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the first download that came to its end was begun.",
                null=True,
                verbose_name="fetched at",
            ),
        ),
    ]
