from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('retention', '0012_plan_orders'),
    ]

    operations = [
        migrations.AlterField(
            model_name='rule',
            name='anonymity',
            field=models.JSONField(blank=True, help_text='For anonymise: quasi, sensitive, harmless, k, l, t, adversary, owner, review_on.', null=True, verbose_name='decision on anonymity'),
        ),
    ]
