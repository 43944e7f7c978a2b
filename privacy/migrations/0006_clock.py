from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("privacy", "0005_webhooks"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="facts",
            field=models.JSONField(blank=True, default=dict, help_text="What the letter is about: codes, never words.", verbose_name="particulars"),
        ),
    ]
