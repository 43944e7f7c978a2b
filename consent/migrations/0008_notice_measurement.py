from django.db import migrations, models

import crasme.kit.ids


class Migration(migrations.Migration):
    dependencies = [("consent", "0007_marketing")]

    operations = [
        migrations.CreateModel(
            name="NoticeMeasurement",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=crasme.kit.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                        verbose_name="id",
                    ),
                ),
                (
                    "look",
                    models.CharField(
                        db_index=True, help_text="SHA-256 of all that is drawn.", max_length=64, verbose_name="look"
                    ),
                ),
                ("language", models.CharField(max_length=8, verbose_name="language")),
                ("passed", models.BooleanField(verbose_name="fair")),
                ("findings", models.JSONField(default=list, verbose_name="findings")),
                ("figures", models.JSONField(default=dict, verbose_name="figures")),
                (
                    "pictures",
                    models.JSONField(default=dict, help_text="View → PNG in base64.", verbose_name="pictures"),
                ),
                ("measured_at", models.DateTimeField(verbose_name="measured at")),
            ],
            options={
                "verbose_name": "measurement of a notice",
                "verbose_name_plural": "measurements of notices",
                "ordering": ["-measured_at", "language"],
                "default_permissions": ("view",),
            },
        ),
    ]
