import crasme.kit.ids
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Seal',
            fields=[
                ('number', models.PositiveBigIntegerField(help_text='From 1, without gaps.', primary_key=True, serialize=False, verbose_name='number')),
                ('sealed_at', models.DateTimeField(verbose_name='sealed at')),
                ('entries', models.PositiveIntegerField(verbose_name='entries')),
                ('root', models.CharField(max_length=64, verbose_name='root')),
                ('previous', models.CharField(blank=True, help_text='Its digest.', max_length=64, verbose_name='seal before it')),
                ('digest', models.CharField(max_length=64, verbose_name='digest')),
                ('key', models.CharField(max_length=64, verbose_name='public key')),
                ('signature', models.CharField(max_length=128, verbose_name='signature')),
            ],
            options={
                'verbose_name': 'seal',
                'verbose_name_plural': 'seals',
                'ordering': ['-number'],
                'default_permissions': ('view',),
            },
        ),
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
        migrations.CreateModel(
            name='Leaf',
            fields=[
                ('entry', models.UUIDField(primary_key=True, serialize=False, verbose_name='entry')),
                ('seal', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leaves', to='ledger.seal', verbose_name='seal')),
                ('place', models.PositiveIntegerField(null=True, verbose_name='place')),
            ],
            options={
                'verbose_name': 'place of an entry',
                'verbose_name_plural': 'places of entries',
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('seal', None)), fields=['entry'], name='ledger_leaf_unsealed')],
                'constraints': [models.UniqueConstraint(fields=('seal', 'place'), name='ledger_leaf_place'), models.CheckConstraint(condition=models.Q(models.Q(('place', None), ('seal', None)), models.Q(('place__isnull', False), ('seal__isnull', False)), _connector='OR'), name='ledger_leaf_sealed_whole', violation_error_message='A sealed entry has a place in its seal.')],
            },
        ),
    ]
