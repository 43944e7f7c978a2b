from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('retention', '0010_rules_on_fields'),
    ]

    operations = [
        # Runs of before that one person approved stay as they were: they are evidence of how it was.
        AddConstraintNotValid(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('needs_approval', True), ('requested_by__startswith', 'system:'), ('state__in', ['running', 'done']), _negated=True), name='retention_run_asked_for', violation_error_message='A run over its limits goes on when one person asks and another approves.'),
        ),
    ]
