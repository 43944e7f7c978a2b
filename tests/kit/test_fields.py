"""Encrypted text is readable for the application alone; periods are checked by form and database."""

import json

import pytest
from cryptography.fernet import Fernet
from django.apps.registry import Apps
from django.core import checks, serializers
from django.core.exceptions import FieldError, ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, models
from django.db.migrations.writer import MigrationWriter

from crasme.kit import crypto
from crasme.kit.calendar import Period
from crasme.kit.fields import EncryptedBytesField, EncryptedTextField, PeriodField
from crasme.kit.management.commands import rotate_keys
from tests.kit.models import Secret, registry

pytestmark = [pytest.mark.usefixtures("kit_tables"), pytest.mark.django_db]
PLAIN = "ya29.a0-geheim-éü🔑"


def stored(column: str = "token") -> list[str | None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM kit_secret ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_the_database_never_sees_the_text() -> None:
    Secret.objects.create(token=PLAIN)
    (token,) = stored()
    assert "geheim" not in token
    assert crypto.decrypt(token.encode()).decode() == PLAIN
    assert Secret.objects.get().token == PLAIN
    assert Secret.objects.values_list("token", "other").get() == (PLAIN, "")


def test_null_stays_null_and_can_be_asked_for() -> None:
    Secret.objects.create(token=None)
    Secret.objects.create(token=PLAIN)
    assert Secret.objects.filter(token__isnull=True).count() == 1
    assert Secret.objects.get(token__isnull=False).token == PLAIN


def test_every_way_of_writing_encrypts() -> None:
    Secret.objects.bulk_create([Secret(token=PLAIN), Secret(token=PLAIN)])
    Secret.objects.update(other=PLAIN)
    rows = list(Secret.objects.all())
    for row in rows:
        row.token += "!"
    Secret.objects.bulk_update(rows, ["token"])
    assert {row.token for row in Secret.objects.all()} == {PLAIN + "!"}
    assert not any("geheim" in text for text in stored() + stored("other"))
    assert len(set(stored("other"))) == 1  # one UPDATE, one token
    assert len(set(stored("token"))) == 2


@pytest.mark.parametrize(
    "lookup",
    [{"token": PLAIN}, {"token__in": [PLAIN]}, {"token__icontains": "x"}, {"token__length": 3}, {"token": None}],
)
def test_it_cannot_be_searched(lookup: dict[str, object]) -> None:
    with pytest.raises(FieldError, match="encrypted") as refused:
        Secret.objects.filter(**lookup).exists()
    assert PLAIN not in str(refused.value)


def test_a_wrong_type_is_refused_without_showing_it() -> None:
    with pytest.raises(TypeError, match="not bytes") as refused:
        Secret(token=PLAIN.encode()).save()
    assert "geheim" not in str(refused.value)


def test_a_missing_key_is_said_when_loading(settings) -> None:
    Secret.objects.create(token=PLAIN)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(crypto.KeyMissing, match="rotate_keys") as refused:
        Secret.objects.get()
    assert "geheim" not in str(refused.value)


def test_a_dump_carries_the_encrypted_form_and_loads_again() -> None:
    row = Secret.objects.create(token=PLAIN, other="")
    dumped = serializers.serialize("python", [row])
    assert "geheim" not in json.dumps(dumped)
    fields = dumped[0]["fields"]
    field = Secret._meta.get_field("token")
    assert field.to_python(fields["token"]) == PLAIN
    assert Secret._meta.get_field("other").to_python(fields["other"]) == ""
    assert field.value_to_string(Secret(token=None)) is None


def test_a_file_is_bytes_here_and_a_token_there() -> None:
    content = b"%PDF-1.7 geheim \x00\xff"
    row = Secret.objects.create(file=content)
    (token,) = stored("file")
    assert b"geheim" not in bytes(token)
    assert Secret.objects.values_list("file", flat=True).get() == Secret.objects.get().file == content
    Secret.objects.update(file=b"")
    assert Secret.objects.get().file == b""
    dumped = serializers.serialize("python", [row])[0]["fields"]["file"]
    assert "geheim" not in dumped
    assert Secret._meta.get_field("file").to_python(dumped) == content
    with pytest.raises(FieldError):
        Secret.objects.filter(file=content).exists()


def test_options_that_cannot_work_are_refused() -> None:
    class Wrong(models.Model):  # noqa: DJ008
        text = EncryptedTextField(unique=True)

        class Meta:
            app_label = "kit"
            apps = Apps()

    assert "kit.E020" in [found.id for found in Wrong.check() if isinstance(found, checks.Error)]
    assert not [found for found in Secret._meta.get_field("token").check() if found.id == "kit.E020"]


@pytest.mark.parametrize(
    "field", [EncryptedTextField(null=True), EncryptedBytesField(), PeriodField(blank=True), PeriodField(max_length=30)]
)
def test_fields_survive_a_migration_file(field: models.Field) -> None:
    _name, path, args, kwargs = field.deconstruct()
    again = type(field)(*args, **kwargs)
    assert again.deconstruct()[1:] == (path, args, kwargs)
    assert "crasme.kit.fields" in MigrationWriter.serialize(field)[1].pop()


def test_rotation_re_encrypts_every_field_and_can_be_repeated(settings, monkeypatch, capsys) -> None:
    monkeypatch.setattr(rotate_keys, "apps", registry)
    monkeypatch.setattr(rotate_keys, "BATCH", 2)
    old, new = settings.FIELD_KEYS[0], Fernet.generate_key().decode()
    for number in range(5):
        Secret.objects.create(token=f"{PLAIN}{number}", other="" if number else PLAIN)
    Secret.objects.create(token=None, file=b"geheim\xff")
    settings.FIELD_KEYS = [new, old]
    call_command("rotate_keys", dry_run=True)
    assert "Secret.token: 5 to re-encrypt" in capsys.readouterr().out
    before = stored()
    call_command("rotate_keys")
    assert "Secret.token: 5 re-encrypted" in capsys.readouterr().out
    assert set(stored()) & set(before) == {None}
    settings.FIELD_KEYS = [new]
    assert [row.token for row in Secret.objects.order_by("pk")] == [f"{PLAIN}{n}" for n in range(5)] + [None]
    assert Secret.objects.order_by("pk").first().other == PLAIN
    assert Secret.objects.order_by("pk").last().file == b"geheim\xff"
    call_command("rotate_keys")
    assert "Secret.token: 0 re-encrypted" in capsys.readouterr().out


def test_rotation_fails_loudly_when_a_key_is_gone_already(settings, monkeypatch) -> None:
    monkeypatch.setattr(rotate_keys, "apps", registry)
    lost = Secret.objects.create(token=PLAIN)
    kept = settings.FIELD_KEYS
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match=f"kit_secret.token of {lost.pk}") as refused:
        call_command("rotate_keys")
    assert "geheim" not in str(refused.value)
    settings.FIELD_KEYS = kept
    assert Secret.objects.get().token == PLAIN


def test_rotation_knows_the_encrypted_fields_of_the_product() -> None:
    labels = {f"{field.model._meta.label}.{field.name}" for field in rotate_keys.encrypted_fields()}
    assert {"crm.Integration.access_token", "crm.Integration.refresh_token"} <= labels


def test_a_period_is_checked_by_the_form() -> None:
    for wrong in ("24 months", "PT5H", ""):
        with pytest.raises(ValidationError):
            Secret(token="x", other="x", period=wrong).full_clean()
    Secret(token="x", other="x", period="P7Y").full_clean()


def test_a_period_object_is_stored_as_text() -> None:
    row = Secret.objects.create(period=Period.parse("P7Y"))
    row.refresh_from_db()
    assert row.period == "P7Y"
    assert Secret.objects.filter(period=Period.parse("P7Y")).exists()


def test_a_period_is_checked_by_the_database() -> None:
    Secret.objects.create()
    with pytest.raises(IntegrityError):
        Secret.objects.update(period="24 months")
