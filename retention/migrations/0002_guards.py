"""What the database refuses: a rule that changes without a publication, and an erasure that is forgotten."""

from django.db import migrations

from crasme.kit.append_only import append_only


# What a rule says is never changed once it is no draft; how far it got changes within a publication only. Limits may be
# lowered at once: that makes a run ask, and never does more. A column that is added later is guarded as well.
GUARD = """
CREATE FUNCTION retention_rule_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    publishing boolean := coalesce(current_setting('crasme.publication', true), '') = 'on';
    how_far text[] := ARRAY['state', 'effective_from', 'published_in'];
    limits text[] := ARRAY['batch_size', 'max_rows', 'max_share'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state = 'draft' THEN
            RETURN OLD;
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.state = 'draft' OR publishing THEN
            RETURN NEW;
        END IF;
    ELSIF OLD.state = 'draft' AND NEW.state = 'draft' THEN
        RETURN NEW;
    ELSIF publishing AND OLD.state <> 'retired' AND NEW.state <> 'draft'
        AND to_jsonb(NEW) - how_far = to_jsonb(OLD) - how_far THEN
        RETURN NEW;
    ELSIF to_jsonb(NEW) - limits = to_jsonb(OLD) - limits AND NEW.max_share <= OLD.max_share
        AND (OLD.max_rows IS NULL OR coalesce(NEW.max_rows <= OLD.max_rows, false)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'retention rule % is %: it changes by a publication only',
        coalesce(OLD.slug, NEW.slug), coalesce(OLD.state, NEW.state)
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER retention_rule_guard BEFORE INSERT OR UPDATE OR DELETE ON retention_rule
    FOR EACH ROW EXECUTE FUNCTION retention_rule_guard();
"""
UNGUARD = "DROP TRIGGER retention_rule_guard ON retention_rule; DROP FUNCTION retention_rule_guard();"


class Migration(migrations.Migration):
    dependencies = [("retention", "0001_initial")]

    operations = [
        append_only("retention_erasureentry"),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
