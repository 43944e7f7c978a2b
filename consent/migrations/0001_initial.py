import consent.models.registry
import consent.models.suppression
import crasme.kit.ids
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

from crasme.kit.append_only import append_only
from crasme.kit.partitions import CreatePartitionedModel


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Service',
            fields=[
                ('translations', models.JSONField(blank=True, default=dict, help_text='Only for texts written here: {"de": {"title": "…"}}. The texts that ship are translated already.', validators=[consent.models.registry.validate_translations], verbose_name='translations')),
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('slug', models.SlugField(max_length=48, unique=True, verbose_name='slug')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('provider', models.CharField(help_text='The company that runs it.', max_length=120, verbose_name='provider')),
                ('recipient', models.SlugField(blank=True, help_text='Slug of the recipient who gets the data; empty when it stays with the controller.', max_length=64, verbose_name='recipient')),
                ('policy_url', models.URLField(blank=True, help_text='Of the provider, when it is another.', verbose_name='privacy policy')),
            ],
            options={
                'verbose_name': 'service',
                'verbose_name_plural': 'services',
                'ordering': ['slug'],
            },
        ),
        migrations.CreateModel(
            name='Category',
            fields=[
                ('translations', models.JSONField(blank=True, default=dict, help_text='Only for texts written here: {"de": {"title": "…"}}. The texts that ship are translated already.', validators=[consent.models.registry.validate_translations], verbose_name='translations')),
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('slug', models.SlugField(max_length=32, unique=True, verbose_name='slug')),
                ('bit', models.PositiveSmallIntegerField(help_text='Its place in the consent cookie; never changed and never used again.', unique=True, verbose_name='bit')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='position')),
                ('essential', models.BooleanField(default=False, help_text='Needs no consent and cannot be off.', verbose_name='essential')),
                ('off_under_gpc', models.BooleanField(default=False, help_text='A standing “no” sent by the browser.', verbose_name='off under Global Privacy Control')),
                ('title', models.CharField(max_length=80, verbose_name='title')),
                ('purpose', models.TextField(help_text='What visitors read before they choose.', verbose_name='purpose')),
            ],
            options={
                'verbose_name': 'cookie category',
                'verbose_name_plural': 'cookie categories',
                'ordering': ['position', 'slug'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('essential', True)), fields=('essential',), name='consent_category_one_essential', violation_error_message='There is one essential category already.'), models.CheckConstraint(condition=models.Q(('essential', True), ('off_under_gpc', True), _negated=True), name='consent_category_essential_stays_on', violation_error_message='The essential category cannot be switched off by a signal.'), models.CheckConstraint(condition=models.Q(('bit__lt', 16)), name='consent_category_bit_fits', violation_error_message='The bit must be between 0 and 15.')],
            },
        ),
        CreatePartitionedModel(
            name='ConsentEvent',
            column='filed_at',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('filed_at', models.DateTimeField(help_text='The instant inside the id.', verbose_name='filed at')),
                ('visitor', models.UUIDField(help_text="A random number that only the visitor's own cookie holds.", verbose_name='visitor')),
                ('account', models.UUIDField(blank=True, null=True, verbose_name='account')),
                ('notice', models.CharField(help_text='SHA-256 of the notice that was shown.', max_length=64, verbose_name='notice')),
                ('choices', models.JSONField(help_text='Category → true or false; refusals are itemised too.', verbose_name='choices')),
                ('action', models.CharField(choices=[('accept-all', 'accepted all'), ('refuse-all', 'refused all'), ('save', 'chose by category'), ('close', 'closed, so refused'), ('withdraw', 'withdrew')], max_length=10, verbose_name='action')),
                ('surface', models.CharField(choices=[('banner', 'banner'), ('preferences', 'cookie settings page'), ('no-js', 'banner without scripts'), ('api', 'API')], max_length=11, verbose_name='made on')),
                ('gpc', models.BooleanField(default=False, verbose_name='Global Privacy Control seen')),
                ('language', models.CharField(max_length=8, verbose_name='language')),
                ('decided_at', models.DateTimeField(verbose_name='decided at')),
                ('received_at', models.DateTimeField(verbose_name='received at')),
                ('digest', models.CharField(help_text="SHA-256 of the row's canonical JSON.", max_length=64, verbose_name='digest')),
            ],
            options={
                'verbose_name': 'consent record',
                'verbose_name_plural': 'consent records',
                'ordering': ['-filed_at'],
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['visitor', '-decided_at'], name='consent_event_visitor'), models.Index(condition=models.Q(('account__isnull', False)), fields=['account'], name='consent_event_account'), django.contrib.postgres.indexes.BrinIndex(fields=['received_at'], name='consent_event_received')],
                'constraints': [models.CheckConstraint(condition=models.Q(('choices__contains', {'essential': True})), name='consent_event_essential_is_on', violation_error_message='Essential cookies are always on.'), models.CheckConstraint(condition=models.Q(('decided_at__lte', models.F('received_at'))), name='consent_event_decided_first', violation_error_message='A choice cannot be received before it was made.')],
            },
        ),
        migrations.CreateModel(
            name='CookieSighting',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('route', models.CharField(help_text='The URL pattern that answered.', max_length=200, verbose_name='route')),
                ('reason', models.CharField(choices=[('undeclared', 'not in the registry'), ('unconsented', 'not agreed to')], max_length=12, verbose_name='reason')),
                ('dropped', models.BooleanField(help_text='No: seen while the guard only reported.', verbose_name='dropped')),
                ('first_seen_at', models.DateTimeField(verbose_name='first seen at')),
                ('last_seen_at', models.DateTimeField(verbose_name='last seen at')),
                ('count', models.PositiveIntegerField(default=1, help_text='A process reports the same cookie and route once.', verbose_name='reports')),
            ],
            options={
                'verbose_name': 'cookie sighting',
                'verbose_name_plural': 'cookie sightings',
                'ordering': ['-last_seen_at'],
                'default_permissions': ('view', 'delete'),
                'constraints': [models.UniqueConstraint(fields=('name', 'route', 'reason'), name='consent_sighting_once')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('language', models.CharField(max_length=8, verbose_name='language')),
                ('sha256', models.CharField(help_text='Of the canonical content.', max_length=64, unique=True, verbose_name='SHA-256')),
                ('content', models.JSONField(help_text='Texts, buttons in their order, categories, services.', verbose_name='content')),
                ('registry', models.CharField(help_text='SHA-256 of the cookie registry.', max_length=64, verbose_name='registry version')),
                ('asks_again', models.JSONField(default=list, verbose_name='asks again about')),
                ('published_at', models.DateTimeField(verbose_name='published at')),
            ],
            options={
                'verbose_name': 'cookie notice',
                'verbose_name_plural': 'cookie notices',
                'ordering': ['-version', 'language'],
                'default_permissions': ('add', 'view'),
                'constraints': [models.UniqueConstraint(fields=('version', 'language'), name='consent_notice_version_once', violation_error_message='This version exists in this language already.')],
            },
        ),
        migrations.CreateModel(
            name='Suppression',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('address', consent.models.suppression.AddressHashField(max_length=64, verbose_name='address (hash)')),
                ('key_version', models.PositiveSmallIntegerField(default=1, verbose_name='key version')),
                ('scope', models.CharField(choices=[('marketing', 'all marketing'), ('marketing.announcements', 'product announcements'), ('marketing.features', 'feature updates')], default='marketing', max_length=32, verbose_name='scope')),
                ('reason', models.CharField(choices=[('unsubscribed', 'unsubscribed'), ('objected', 'asked support or by request'), ('erased', 'asked for deletion'), ('bounced', 'mail came back'), ('complained', 'reported as spam'), ('imported', 'from a list')], max_length=16, verbose_name='reason')),
                ('source', models.CharField(choices=[('unsubscribe-link', 'link in a mail'), ('preferences', 'preference page'), ('privacy-request', 'privacy request'), ('staff', 'entered by staff'), ('mail-server', 'mail server'), ('import', 'import')], max_length=20, verbose_name='source')),
                ('created_at', models.DateTimeField(verbose_name='since')),
            ],
            options={
                'verbose_name': 'suppressed address',
                'verbose_name_plural': 'suppression list',
                'ordering': ['-created_at'],
                'default_permissions': ('add', 'view'),
                'constraints': [models.UniqueConstraint(fields=('address', 'scope', 'key_version'), name='consent_suppression_once', violation_error_message='This address is on the list already.'), models.CheckConstraint(condition=models.Q(('address__regex', '^[0-9a-f]{64}$')), name='consent_suppression_hash_only', violation_error_message='Only the hash of an address is stored.')],
            },
        ),
        migrations.CreateModel(
            name='Cookie',
            fields=[
                ('translations', models.JSONField(blank=True, default=dict, help_text='Only for texts written here: {"de": {"title": "…"}}. The texts that ship are translated already.', validators=[consent.models.registry.validate_translations], verbose_name='translations')),
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('name', models.CharField(help_text='Exact, or a beginning followed by *.', max_length=120, verbose_name='name')),
                ('kind', models.CharField(choices=[('cookie', 'cookie'), ('local', 'local storage'), ('session', 'session storage')], default='cookie', max_length=8, verbose_name='kind')),
                ('domain', models.CharField(blank=True, help_text='Empty: only the host that sets it.', max_length=253, verbose_name='domain')),
                ('path', models.CharField(default='/', max_length=120, verbose_name='path')),
                ('lifetime', models.CharField(help_text='"session", "persistent", a period such as P6M, or hours such as PT2H.', max_length=24, validators=[consent.models.registry.validate_lifetime], verbose_name='lifetime')),
                ('purpose', models.TextField(verbose_name='purpose')),
                ('party', models.CharField(choices=[('first', 'this site'), ('third', 'another company')], default='first', max_length=5, verbose_name='set by')),
                ('http_only', models.BooleanField(default=False, verbose_name='hidden from scripts')),
                ('on_request', models.BooleanField(default=False, help_text='Set only when the visitor asks for just that, as by picking a language; it needs no consent then.', verbose_name='only on request')),
                ('category', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cookies', to='consent.category', verbose_name='category')),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cookies', to='consent.service', verbose_name='service')),
            ],
            options={
                'verbose_name': 'cookie',
                'verbose_name_plural': 'cookies',
                'ordering': ['category__position', 'name'],
                'constraints': [models.UniqueConstraint(fields=('name', 'kind', 'domain', 'path'), name='consent_cookie_declared_once', violation_error_message='This cookie is declared already.'), models.CheckConstraint(condition=models.Q(('name__regex', '^[^\\s;,=\\"*]+$'), ('name__regex', '^[^\\s;,=\\"*]{2,}\\*$'), _connector='OR'), name='consent_cookie_name_fits', violation_error_message='A name has no spaces; a * may only stand at the end, after two characters.'), models.CheckConstraint(condition=models.Q(('lifetime__in', ['session', 'persistent']), ('lifetime__regex', '^P(?=[0-9])([0-9]{1,4}Y)?([0-9]{1,5}M)?([0-9]{1,5}W)?([0-9]{1,6}D)?$'), ('lifetime__regex', '^PT([0-9]{1,4})([HM])$'), _connector='OR'), name='consent_cookie_lifetime_fits', violation_error_message='The lifetime is "session", "persistent", P6M or PT2H.'), models.CheckConstraint(condition=models.Q(('on_request', False), models.Q(('kind', 'cookie'), _negated=True), ('lifetime', 'session'), _connector='OR'), name='consent_cookie_request_is_short', violation_error_message='A cookie set on request without consent ends with the browser session.'), models.CheckConstraint(condition=models.Q(('kind', 'cookie'), ('http_only', False), _connector='OR'), name='consent_cookie_storage_is_readable', violation_error_message='Only cookies can be hidden from scripts.')],
            },
        ),
        append_only("consent_notice"),
        append_only("consent_consentevent", purgeable=True),
    ]
