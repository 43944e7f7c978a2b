from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("privacy", "0011_correction"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="step",
            index=models.Index(
                condition=models.Q(("manual", False), ("state", "due")),
                fields=["next_attempt_at"],
                name="privacy_step_automatic",
            ),
        ),
    ]
