import crasme.kit.ids
import django.db.models.functions.datetime
from django.db import migrations, models

from crasme.kit.append_only import append_only


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='recorded at')),
                ('verb', models.CharField(max_length=64, verbose_name='verb')),
                ('actor', models.CharField(max_length=80, verbose_name='actor')),
                ('subject', models.CharField(blank=True, max_length=80, verbose_name='subject reference')),
                ('facts', models.JSONField(default=dict, verbose_name='facts')),
                ('digest', models.CharField(help_text="SHA-256 of the entry's canonical JSON.", max_length=64, verbose_name='digest')),
            ],
            options={
                'verbose_name': 'ledger entry',
                'verbose_name_plural': 'ledger entries',
                'ordering': ['-id'],
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['verb', '-recorded_at'], name='ledger_entry_verb'), models.Index(fields=['subject', '-recorded_at'], name='ledger_entry_subject')],
            },
        ),
        append_only("ledger_entry"),
    ]
