from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0009_suppression_lists")]

    operations = [
        migrations.AddField(
            model_name="noticemeasurement",
            name="failure",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Why nothing could be measured, and what to do about it.",
                max_length=500,
                verbose_name="could not be measured",
            ),
        ),
    ]
