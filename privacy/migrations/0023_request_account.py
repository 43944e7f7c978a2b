import django.db.models.deletion
from django.db import migrations, models

# Until now the person's row held what was found last. Constraints are checked here, for the index is made after that.
TAKE_OVER = """
UPDATE privacy_request SET account_id = person.account_id
FROM privacy_person person
WHERE person.id = privacy_request.person_id AND person.account_id IS NOT NULL
  AND privacy_request.kind <> 'child' AND privacy_request.state <> 'received';
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0002_restrictions'),
        ('privacy', '0022_sender_check'),
    ]

    operations = [
        migrations.AddField(
            model_name='request',
            name='account',
            field=models.ForeignKey(blank=True, help_text='What was found for this very request, by the address as it was proven.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='crm.account', verbose_name='account'),
        ),
        migrations.RunSQL(TAKE_OVER, migrations.RunSQL.noop),
    ]
