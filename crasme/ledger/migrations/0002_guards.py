"""What the database refuses to change, and what notes each entry for the next seal."""

from django.db import migrations

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
"""
_FORGET = "DROP TRIGGER ledger_entry_noted ON ledger_entry; DROP FUNCTION ledger_note_entries();"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        append_only("ledger_entry"),
        append_only("ledger_seal"),
        # Where an entry stands is said once, by the sealer.
        append_only("ledger_leaf", unless="OLD.seal_id IS NULL AND NEW.seal_id IS NOT NULL AND NEW.entry = OLD.entry"),
        migrations.RunSQL(_NOTE, _FORGET),
    ]
