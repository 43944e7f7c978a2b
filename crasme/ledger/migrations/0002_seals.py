import django.db.models.deletion
from django.db import migrations, models

from crasme.kit.append_only import append_only

# Each entry is noted for a seal by the statement that writes it, whoever writes it.
_NOTE = """
CREATE FUNCTION ledger_note_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_leaf (entry) SELECT id FROM written;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_noted AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION ledger_note_entries();
INSERT INTO ledger_leaf (entry) SELECT id FROM ledger_entry;
"""
_FORGET = "DROP TRIGGER ledger_entry_noted ON ledger_entry; DROP FUNCTION ledger_note_entries();"


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0001_initial'),
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
            name='Leaf',
            fields=[
                ('entry', models.UUIDField(primary_key=True, serialize=False, verbose_name='entry')),
                ('place', models.PositiveIntegerField(null=True, verbose_name='place')),
                ('seal', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leaves', to='ledger.seal', verbose_name='seal')),
            ],
            options={
                'verbose_name': 'place of an entry',
                'verbose_name_plural': 'places of entries',
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('seal', None)), fields=['entry'], name='ledger_leaf_unsealed')],
                'constraints': [models.UniqueConstraint(fields=('seal', 'place'), name='ledger_leaf_place'), models.CheckConstraint(condition=models.Q(models.Q(('place', None), ('seal', None)), models.Q(('place__isnull', False), ('seal__isnull', False)), _connector='OR'), name='ledger_leaf_sealed_whole', violation_error_message='A sealed entry has a place in its seal.')],
            },
        ),
        append_only("ledger_seal"),
        migrations.RunSQL(_NOTE, _FORGET),
    ]
