import crasme.crm.fields
import crasme.crm.validators
import crasme.kit.fields
import crasme.kit.ids
import crasme.kit.partitions
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Organisation',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('country', models.CharField(help_text='ISO 3166 code, e.g. AT.', max_length=2, verbose_name='country')),
                ('business_address', models.TextField(blank=True, verbose_name='business address')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
            ],
            options={
                'verbose_name': 'organisation',
                'verbose_name_plural': 'organisations',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='crm.organisation', verbose_name='organisation')),
                ('email', crasme.crm.fields.MailboxField(blank=True, max_length=254, verbose_name='e-mail address')),
                ('full_name', models.CharField(blank=True, max_length=200, verbose_name='full name')),
                ('phone', models.CharField(blank=True, max_length=40, verbose_name='phone')),
                ('business_address', models.TextField(blank=True, verbose_name='business address')),
                ('job_title', models.CharField(blank=True, max_length=120, verbose_name='job title')),
                ('role', models.CharField(choices=[('owner', 'owner'), ('admin', 'administrator'), ('member', 'member'), ('guest', 'guest')], default='member', max_length=10, verbose_name='role')),
                ('language', models.CharField(blank=True, default='en', max_length=8, validators=[django.core.validators.RegexValidator('^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4})?\\Z', 'Write a language code such as de or pt-BR.', 'language')], verbose_name='language')),
                ('time_zone', models.CharField(blank=True, default='UTC', max_length=64, validators=[crasme.crm.validators.validate_time_zone], verbose_name='time zone')),
                ('status', models.CharField(choices=[('active', 'active'), ('closed', 'closed'), ('erased', 'erased')], default='active', max_length=8, verbose_name='status')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('erased_at', models.DateTimeField(blank=True, null=True, verbose_name='erased at')),
                ('restricted_at', models.DateTimeField(blank=True, help_text='While set, the record is stored and nothing else.', null=True, verbose_name='restricted since')),
                ('restricted_by_request', models.BooleanField(default=False, help_text='The person asked for it by a privacy request; it is lifted there, after they were told.', verbose_name='restricted by request')),
                ('analytics_objected_at', models.DateTimeField(blank=True, help_text='While set, no usage is recorded of this account, and none is analysed.', null=True, verbose_name='objected to analysis at')),
                ('on_hold', models.BooleanField(default=False, help_text='Set by a legal hold; nothing of this account may be deleted.', verbose_name='on hold')),
            ],
            options={
                'verbose_name': 'account',
                'verbose_name_plural': 'accounts',
                'ordering': ['-created_at'],
                'permissions': [('close_account', 'Can close and reactivate accounts'), ('restrict_account', 'Can restrict accounts'), ('import_account', 'Can import accounts'), ('export_account', 'Can export accounts')],
                'indexes': [models.Index(condition=models.Q(('status', 'closed')), fields=['closed_at'], name='crm_account_closed'), models.Index(condition=models.Q(('status', 'erased')), fields=['erased_at'], name='crm_account_erased'), models.Index(fields=['-created_at', '-id'], name='crm_account_newest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('email', ''), _negated=True), fields=('email',), name='crm_account_email_once', opclasses=['varchar_pattern_ops'], violation_error_message='An account with this e-mail address exists already.'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('erased_at', None), ('status', 'active')), models.Q(('closed_at__isnull', False), ('erased_at', None), ('status', 'closed')), models.Q(('erased_at__isnull', False), ('status', 'erased')), _connector='OR'), name='crm_account_status_dates', violation_error_message='A closed account needs the time it was closed, an active one has none.'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'erased'), _negated=True), models.Q(('business_address', ''), ('email', ''), ('full_name', ''), ('job_title', ''), ('on_hold', False), ('phone', '')), _connector='OR'), name='crm_account_erased_is_empty', violation_error_message='An erased account holds no identifiers and no hold.'), models.CheckConstraint(condition=models.Q(('email', django.db.models.functions.text.Lower('email'))), name='crm_account_email_folded', violation_error_message='An e-mail address is stored in lower case.'), models.CheckConstraint(condition=models.Q(('status', 'erased'), models.Q(('email', ''), _negated=True), _connector='OR'), name='crm_account_has_email', violation_error_message='An account needs an e-mail address.'), models.CheckConstraint(condition=models.Q(('restricted_by_request', False), ('restricted_at__isnull', False), _connector='OR'), name='crm_account_request_restricts', violation_error_message='Only a restricted account is restricted by request.'), models.CheckConstraint(condition=models.Q(('closed_at', None), ('closed_at__gte', models.F('created_at')), _connector='OR'), name='crm_account_closed_after_created', violation_error_message='An account cannot be closed before it was created.')],
            },
        ),
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='crm.account', verbose_name='owner')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('full_name', models.CharField(max_length=200, verbose_name='full name')),
                ('email', crasme.crm.fields.MailboxField(blank=True, db_index=True, max_length=254, verbose_name='e-mail address')),
                ('phone', models.CharField(blank=True, max_length=40, verbose_name='phone')),
                ('company', models.CharField(blank=True, max_length=200, verbose_name='company')),
            ],
            options={
                'verbose_name': 'contact',
                'verbose_name_plural': 'contacts',
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='Deal',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='crm.account', verbose_name='owner')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='deals', to='crm.contact', verbose_name='contact')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('value', models.DecimalField(decimal_places=2, default=0, max_digits=12, verbose_name='value')),
                ('currency', models.CharField(default='EUR', max_length=3, verbose_name='currency')),
                ('stage', models.CharField(choices=[('open', 'open'), ('won', 'won'), ('lost', 'lost')], default='open', max_length=6, verbose_name='stage')),
            ],
            options={
                'verbose_name': 'deal',
                'verbose_name_plural': 'deals',
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='Integration',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='integrations', to='crm.account', verbose_name='account')),
                ('provider', models.CharField(choices=[('gmail', 'Gmail'), ('other', 'other')], max_length=10, verbose_name='provider')),
                ('scopes', models.JSONField(default=list, verbose_name='scopes')),
                ('access_token', crasme.kit.fields.EncryptedTextField(blank=True, verbose_name='access token')),
                ('refresh_token', crasme.kit.fields.EncryptedTextField(blank=True, verbose_name='refresh token')),
                ('sync_cursor', models.CharField(blank=True, max_length=120, verbose_name='sync cursor')),
                ('connected_at', models.DateTimeField(verbose_name='connected at')),
                ('synced_at', models.DateTimeField(blank=True, null=True, verbose_name='synchronised at')),
                ('disconnected_at', models.DateTimeField(blank=True, help_text='Set while something keeps what a disconnected service had synchronised; the tokens are gone.', null=True, verbose_name='disconnected at')),
            ],
            options={
                'verbose_name': 'connected service',
                'verbose_name_plural': 'connected services',
                'permissions': [('disconnect_integration', 'Can disconnect integrations')],
                'constraints': [models.UniqueConstraint(condition=models.Q(models.Q(('provider', 'other'), _negated=True), ('disconnected_at', None)), fields=('account', 'provider'), name='crm_integration_once', violation_error_message='This account has connected this service already.')],
            },
        ),
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('number', models.CharField(max_length=30, unique=True, verbose_name='number')),
                ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='invoices', to='crm.account', verbose_name='account')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='crm.organisation', verbose_name='organisation')),
                ('billed_name', models.CharField(max_length=200, verbose_name='billed name')),
                ('billed_address', models.TextField(verbose_name='billed address')),
                ('billed_email', crasme.crm.fields.MailboxField(blank=True, max_length=254, verbose_name='billed e-mail address')),
                ('tax_number', models.CharField(blank=True, max_length=40, verbose_name='tax number')),
                ('issued_on', models.DateField(verbose_name='issued on')),
                ('description', models.CharField(max_length=200, verbose_name='description')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('net', models.DecimalField(decimal_places=2, max_digits=12, verbose_name='net')),
                ('tax', models.DecimalField(decimal_places=2, max_digits=12, verbose_name='tax')),
                ('total', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax')), output_field=models.DecimalField(decimal_places=2, max_digits=13, verbose_name='total'))),
                ('processor', models.CharField(blank=True, max_length=40, verbose_name='payment processor')),
                ('processor_reference', models.CharField(blank=True, max_length=80, verbose_name='payment reference')),
                ('on_hold', models.BooleanField(default=False, help_text='Set by a legal hold.', verbose_name='on hold')),
            ],
            options={
                'verbose_name': 'invoice',
                'verbose_name_plural': 'invoices',
                'ordering': ['-issued_on', '-number'],
                'indexes': [models.Index(fields=['-issued_on', '-number'], name='crm_invoice_newest'), models.Index(fields=['billed_email'], name='crm_invoice_email')],
                'constraints': [models.CheckConstraint(condition=models.Q(('net__gte', 0), ('tax__gte', 0)), name='crm_invoice_not_negative', violation_error_message="An invoice's amounts are not negative; issue a credit note instead.")],
            },
        ),
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='disputes', to='crm.invoice', verbose_name='invoice')),
                ('reference', models.CharField(blank=True, help_text="The CRM's number of the dispute; never a name.", max_length=40, verbose_name='reference')),
                ('reason', models.CharField(choices=[('amount', 'the amount'), ('not-ordered', 'not ordered'), ('not-delivered', 'not delivered'), ('payment', 'the payment, such as a chargeback'), ('other', 'something else')], max_length=16, verbose_name='what is contested')),
                ('opened_at', models.DateTimeField(verbose_name='opened at')),
                ('opened_by', models.CharField(max_length=80, verbose_name='opened by')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('closed_by', models.CharField(blank=True, max_length=80, verbose_name='closed by')),
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
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='crm.account', verbose_name='owner')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='notes', to='crm.contact', verbose_name='contact')),
                ('body', models.TextField(verbose_name='text')),
            ],
            options={
                'verbose_name': 'note',
                'verbose_name_plural': 'notes',
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='SyncedMessage',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('integration', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='crm.integration', verbose_name='integration')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='crm.contact', verbose_name='contact')),
                ('provider_id', models.CharField(max_length=120, verbose_name='message id')),
                ('thread_id', models.CharField(blank=True, max_length=120, verbose_name='thread id')),
                ('direction', models.CharField(choices=[('sent', 'sent'), ('received', 'received')], max_length=8, verbose_name='direction')),
                ('sent_at', models.DateTimeField(verbose_name='sent at')),
            ],
            options={
                'verbose_name': 'synchronised message',
                'verbose_name_plural': 'synchronised messages',
                'ordering': ['-sent_at'],
                'constraints': [models.UniqueConstraint(fields=('integration', 'provider_id'), name='crm_syncedmessage_once')],
            },
        ),
        crasme.kit.partitions.CreatePartitionedModel(
            name='UsageEvent',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('account', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crm.account', verbose_name='account')),
                ('kind', models.CharField(choices=[('page', 'page visited'), ('feature', 'feature used'), ('action', 'action performed'), ('section', 'time spent in a section'), ('search', 'search'), ('filter', 'filter preference'), ('error', 'error'), ('performance', 'performance')], max_length=12, verbose_name='kind')),
                ('name', models.CharField(help_text='The page, feature, action, section or metric.', max_length=120, verbose_name='name')),
                ('duration_ms', models.IntegerField(blank=True, help_text='Milliseconds.', null=True, verbose_name='duration')),
                ('detail', models.JSONField(blank=True, default=dict, help_text="The search query, the filter chosen, the error's code.", verbose_name='detail')),
            ],
            column='occurred_at',
            options={
                'verbose_name': 'usage event',
                'verbose_name_plural': 'usage events',
                'ordering': ['-occurred_at'],
                'indexes': [models.Index(fields=['account', 'occurred_at'], name='crm_usage_account')],
                'constraints': [models.CheckConstraint(condition=models.Q(('duration_ms', None), ('duration_ms__gte', 0), _connector='OR'), name='crm_usage_duration', violation_error_message='A duration is never negative.')],
            },
        ),
        migrations.CreateModel(
            name='BillingProfile',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='billing_profile', to='crm.account', verbose_name='account')),
                ('billing_name', models.CharField(max_length=200, verbose_name='billing name')),
                ('billing_email', crasme.crm.fields.MailboxField(blank=True, max_length=254, verbose_name='billing e-mail address')),
                ('billing_address', models.TextField(verbose_name='billing address')),
                ('tax_number', models.CharField(blank=True, max_length=40, verbose_name='tax number')),
                ('processor', models.CharField(max_length=40, verbose_name='payment processor')),
                ('processor_customer', models.CharField(help_text="The processor's reference, e.g. cus_9xT…", max_length=80, verbose_name='customer reference')),
                ('updated_at', models.DateTimeField(verbose_name='updated at')),
            ],
            options={
                'verbose_name': 'billing profile',
                'verbose_name_plural': 'billing profiles',
                'indexes': [models.Index(fields=['billing_email'], name='crm_billing_email')],
            },
        ),
        migrations.CreateModel(
            name='Credential',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='credential', to='crm.account', verbose_name='account')),
                ('password_hash', models.CharField(max_length=256, verbose_name='password hash')),
                ('changed_at', models.DateTimeField(verbose_name='changed at')),
            ],
            options={
                'verbose_name': 'sign-in credential',
                'verbose_name_plural': 'sign-in credentials',
                'constraints': [models.CheckConstraint(condition=models.Q(('password_hash__regex', '^(argon2|scrypt|pbkdf2_sha256|bcrypt_sha256)\\$.{20,}')), name='crm_credential_strong_hash', violation_error_message='Only a strong password hash may be stored, never a password.')],
            },
        ),
        migrations.CreateModel(
            name='Device',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='devices', to='crm.account', verbose_name='account')),
                ('kind', models.CharField(choices=[('desktop', 'desktop'), ('phone', 'phone'), ('tablet', 'tablet'), ('other', 'other')], max_length=10, verbose_name='device type')),
                ('operating_system', models.CharField(blank=True, max_length=80, verbose_name='operating system')),
                ('browser', models.CharField(blank=True, max_length=80, verbose_name='browser')),
                ('ip_address', models.GenericIPAddressField(blank=True, null=True, verbose_name='IP address')),
                ('approximate_location', models.CharField(blank=True, help_text='City or region, never coordinates.', max_length=120, verbose_name='approximate location')),
                ('screen_resolution', models.CharField(blank=True, max_length=20, verbose_name='screen resolution')),
                ('display_settings', models.JSONField(blank=True, default=dict, verbose_name='display settings')),
                ('language', models.CharField(blank=True, max_length=16, verbose_name='language')),
                ('time_zone', models.CharField(blank=True, max_length=64, verbose_name='time zone')),
                ('first_seen_at', models.DateTimeField(verbose_name='first seen at')),
                ('last_seen_at', models.DateTimeField(verbose_name='last seen at')),
            ],
            options={
                'verbose_name': 'device',
                'verbose_name_plural': 'devices',
                'ordering': ['-last_seen_at'],
                'constraints': [models.CheckConstraint(condition=models.Q(('last_seen_at__gte', models.F('first_seen_at'))), name='crm_device_seen_in_order', violation_error_message='A device cannot be last seen before it was first seen.')],
            },
        ),
        migrations.CreateModel(
            name='HeldUsageEvent',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('account', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crm.account', verbose_name='account')),
                ('kind', models.CharField(choices=[('page', 'page visited'), ('feature', 'feature used'), ('action', 'action performed'), ('section', 'time spent in a section'), ('search', 'search'), ('filter', 'filter preference'), ('error', 'error'), ('performance', 'performance')], max_length=12, verbose_name='kind')),
                ('name', models.CharField(help_text='The page, feature, action, section or metric.', max_length=120, verbose_name='name')),
                ('duration_ms', models.IntegerField(blank=True, help_text='Milliseconds.', null=True, verbose_name='duration')),
                ('detail', models.JSONField(blank=True, default=dict, help_text="The search query, the filter chosen, the error's code.", verbose_name='detail')),
                ('carried_at', models.DateTimeField(verbose_name='carried over at')),
            ],
            options={
                'verbose_name': 'usage event on hold',
                'verbose_name_plural': 'usage events on hold',
                'ordering': ['-occurred_at'],
                'indexes': [models.Index(fields=['account', 'occurred_at'], name='crm_heldusage_account')],
            },
        ),
    ]
