import crasme.kit.ids
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0002_restrictions'),
    ]

    operations = [
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('reference', models.CharField(blank=True, help_text="The CRM's number of the dispute; never a name.", max_length=40, verbose_name='reference')),
                ('reason', models.CharField(choices=[('amount', 'the amount'), ('not-ordered', 'not ordered'), ('not-delivered', 'not delivered'), ('payment', 'the payment, such as a chargeback'), ('other', 'something else')], max_length=16, verbose_name='what is contested')),
                ('opened_at', models.DateTimeField(verbose_name='opened at')),
                ('opened_by', models.CharField(max_length=80, verbose_name='opened by')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('closed_by', models.CharField(blank=True, max_length=80, verbose_name='closed by')),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='disputes', to='crm.invoice', verbose_name='invoice')),
            ],
            options={
                'verbose_name': 'dispute',
                'verbose_name_plural': 'disputes',
                'ordering': ['-opened_at', '-id'],
                'permissions': [('settle_dispute', 'Can open and close disputes about invoices')],
                'default_permissions': ('view',),
                'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('invoice',), name='crm_dispute_one_open', violation_error_message='This invoice is in dispute already.'), models.UniqueConstraint(condition=models.Q(('reference', ''), _negated=True), fields=('reference',), name='crm_dispute_reference', violation_error_message='There is a dispute of this reference already.'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('closed_by', '')), models.Q(('closed_at__gte', models.F('opened_at')), models.Q(('closed_by', ''), _negated=True)), _connector='OR'), name='crm_dispute_closed_whole', violation_error_message='A dispute is closed by somebody, and not before it was opened.')],
            },
        ),
    ]
