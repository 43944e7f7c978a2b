import crasme.kit.ids
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('retention', '0011_two_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='PlanOrder',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('at', models.DateTimeField(verbose_name='planned for')),
                ('asked_at', models.DateTimeField(verbose_name='asked at')),
                ('asked_by', models.CharField(max_length=80, verbose_name='asked by')),
                ('rules', models.PositiveIntegerField(default=0, verbose_name='rules to count')),
                ('counted', models.PositiveIntegerField(default=0, verbose_name='rules counted')),
                ('trouble', models.CharField(blank=True, max_length=64, verbose_name='trouble')),
                ('plan', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='retention.plan', verbose_name='plan')),
            ],
            options={
                'verbose_name': 'plan asked for',
                'verbose_name_plural': 'plans asked for',
                'ordering': ['-asked_at', '-id'],
                'default_permissions': (),
            },
        ),
    ]
