from django.contrib.postgres.indexes import GinIndex
from django.db import migrations

from crasme.crm.names import NameWords

# What crasme.crm.names made of a name when this was written; a test says when the two part.
WORDS = r"""
array_to_tsvector(array_remove(regexp_split_to_array(left(
    replace(replace(replace(replace(
        translate(
            lower(regexp_replace(normalize(full_name, NFKD), '[\u0300-\u036f]', '', 'g')), 'łøđðħŧı', 'loddhti'
        ),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
    500), '[\s.,;:\"()/&''\u00b7\u02bb\u02bc\u2010-\u2015\u2018\u2019-]+'), ''))
"""


class Migration(migrations.Migration):
    """People are found by any word of their name."""

    dependencies = [("crm", "0002_guards")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"""
                    DROP INDEX IF EXISTS crm_account_name_words;
                    CREATE INDEX crm_account_name_words ON crm_account USING gin (({WORDS}));
                    """,
                    "DROP INDEX crm_account_name_words",
                )
            ],
            state_operations=[
                migrations.AddIndex("account", GinIndex(NameWords("full_name"), name="crm_account_name_words"))
            ],
        )
    ]
