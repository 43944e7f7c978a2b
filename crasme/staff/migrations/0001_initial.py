import crasme.kit.ids
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('email', models.EmailField(max_length=254, unique=True, verbose_name='e-mail address')),
                ('language', models.CharField(default='en', max_length=8, verbose_name='language')),
                ('left_at', models.DateTimeField(blank=True, help_text='When the account was switched off; starts its last period.', null=True, verbose_name='left at')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'staff user',
                'verbose_name_plural': 'staff users',
                'permissions': [('reset_second_factor_user', 'Can take a lost second factor away')],
                'default_permissions': ('add', 'change', 'view'),
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='staff_user_email_once', violation_error_message='A staff user with this e-mail address exists already.'), models.CheckConstraint(condition=models.Q(models.Q(('is_active', True), ('left_at', None)), models.Q(('is_active', False), ('left_at__isnull', False)), _connector='OR'), name='staff_user_left_iff_inactive', violation_error_message='Whoever is switched off has left, and nobody else.')],
            },
        ),
        migrations.CreateModel(
            name='Absence',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='absences', to=settings.AUTH_USER_MODEL, verbose_name='who is away')),
                ('first_day', models.DateField(verbose_name='first day')),
                ('last_day', models.DateField(help_text='It is still part of the absence.', verbose_name='last day')),
                ('substitute', models.ForeignKey(help_text='Gets their open work on the first day, and what would be given to them meanwhile.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='substitute')),
                ('gives_back', models.BooleanField(default=True, help_text='On the day after the last one, what is still open goes back; otherwise the substitute keeps it.', verbose_name='gives back')),
            ],
            options={
                'verbose_name': 'absence',
                'verbose_name_plural': 'absences',
                'ordering': ['-first_day', 'id'],
                'permissions': [('manage_absence', 'Can enter absences of others')],
                'constraints': [models.CheckConstraint(condition=models.Q(('last_day__gte', models.F('first_day'))), name='staff_absence_in_order', violation_error_message='The last day comes after the first, or is the same.'), models.CheckConstraint(condition=models.Q(models.Q(('substitute', models.F('user')), _negated=True), ('substitute', None), _connector='OR'), name='staff_absence_by_another', violation_error_message='Nobody stands in for themselves.')],
            },
        ),
        migrations.CreateModel(
            name='AccessEntry',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('at', models.DateTimeField(db_index=True, verbose_name='at')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='access_entries', to=settings.AUTH_USER_MODEL, verbose_name='staff user')),
                ('action', models.CharField(choices=[('view', 'viewed'), ('list', 'listed'), ('search', 'searched'), ('export', 'exported'), ('download', 'downloaded')], max_length=10, verbose_name='action')),
                ('table', models.CharField(help_text='Label of the model looked at.', max_length=80, verbose_name='table')),
                ('subject_ref', models.CharField(blank=True, db_index=True, max_length=80, verbose_name='subject reference')),
                ('rows', models.PositiveIntegerField(default=1, verbose_name='rows')),
            ],
            options={
                'verbose_name': 'access log entry',
                'verbose_name_plural': 'access log entries',
                'ordering': ['-at'],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.UUIDField(default=crasme.kit.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('name', models.CharField(help_text='The system that holds the key.', max_length=80, verbose_name='name')),
                ('prefix', models.CharField(help_text='How the key begins; not secret.', max_length=12, unique=True, verbose_name='prefix')),
                ('digest', models.CharField(max_length=64, unique=True, verbose_name='digest')),
                ('scopes', models.JSONField(default=list, verbose_name='scopes')),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('expires_at', models.DateTimeField(verbose_name='expires at')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='revoked at')),
                ('last_used_on', models.DateField(blank=True, null=True, verbose_name='last used on')),
            ],
            options={
                'verbose_name': 'API key',
                'verbose_name_plural': 'API keys',
                'ordering': ['name'],
                'permissions': [('revoke_apikey', 'Can revoke API keys')],
                'default_permissions': ('view', 'add'),
                'constraints': [models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('created_at'))), name='staff_apikey_expires_later', violation_error_message='A key must expire after it was made.')],
            },
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='staff user')),
            ],
            options={
                'verbose_name': 'session',
                'verbose_name_plural': 'sessions',
                'abstract': False,
                'default_permissions': (),
            },
        ),
    ]
