from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0004_records")]

    operations = [
        migrations.AddField(
            model_name="cookie",
            name="unseen",
            field=models.CharField(
                blank=True,
                help_text="For staff. Without a reason the crawl reports a cookie that no page sets.",
                max_length=200,
                verbose_name="why a crawl does not see it",
            ),
        ),
        migrations.AddField(
            model_name="registrycheck",
            name="report",
            field=models.JSONField(
                default=dict, help_text="Site, routes, states, what was seen and found.", verbose_name="report"
            ),
        ),
        migrations.AddField(
            model_name="cookiesighting",
            name="state",
            field=models.CharField(
                choices=[("open", "open"), ("resolved", "resolved"), ("ignored", "ignored")],
                default="open",
                max_length=8,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="cookiesighting",
            name="reason",
            field=models.CharField(
                choices=[
                    ("undeclared", "not in the registry"),
                    ("unconsented", "not agreed to"),
                    ("survived", "still there after a refusal"),
                ],
                max_length=12,
                verbose_name="reason",
            ),
        ),
    ]
