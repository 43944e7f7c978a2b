"""People are found by any word of their name, by an index that keeps no word of a name that is gone."""

import re

import pytest
from django.db import connection

from crasme.crm import tasks
from crasme.crm.models import Account
from crasme.crm.names import INDEX
from tests.builders import make_account

pytestmark = pytest.mark.django_db


def test_accounts_are_found_by_any_part_of_a_name_through_an_index() -> None:
    zoe = make_account(full_name="Zoë Müller-O’Sandoval", email="zm@customer.example")
    make_account(full_name="Mulan Sand")
    for words in ("muller", "MÜLLER zoe", "sandov", "o'sandoval", "Zoë Müller-O’Sandoval", "müller,  z"):
        assert list(Account.objects.named(words)) == [zoe], words
    for words in ("uller", "zoe muller ben", "", " - ", "'", "\\", ":*|!(", "zm@", "\0"):
        assert not Account.objects.named(words).exists(), words
    assert list(Account.objects.begun("zm@")) == [zoe]
    assert set(Account.objects.begun("mul")) == set(Account.objects.all())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
    plan = Account.objects.begun("mull").order_by().explain()
    assert {"crm_account_name_words", "crm_account_email_once"} <= set(re.findall(r"crm_account_\w+", plan)), plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Łukasz Wałęsa", ["lukasz walesa", "ŁUKASZ", "Wałę"]),
        ("Søren Ðorđević", ["soren dordevic", "SØREN"]),
        ("Gudrun Groß-Þórsdóttir", ["gross", "GROẞ", "groß", "thorsdottir", "þórs"]),
        ("Æsa Lœuvre Ħamrun Şahin Yıldız", ["aesa", "loeuvre hamrun", "yildiz sahin", "YILDIZ"]),
        ("Ana–Lena\u2010Maria\u2011Ida", ["lena", "maria ida", "ana–lena"]),
        ("N\u02bcGolo d‘Estaing Gal·la", ["golo", "estaing", "la gal", "n'golo"]),
    ],
)
def test_letters_and_dashes_of_other_alphabets_are_no_obstacle(name: str, asked: list[str]) -> None:
    account = make_account(full_name=name)
    assert [each for each in asked if list(Account.objects.named(each)) != [account]] == []


def test_words_that_the_database_would_not_take_are_cut_in_a_name_and_in_a_search() -> None:
    long = make_account(full_name="\u3316" * 200)  # each is six letters of three bytes
    for cut in (3, 200, 400):
        assert list(Account.objects.named("\u3316" * cut)) == [long]
    for absurd in ("x" * 5000, "\U00020000" * 3000, "a " * 3000, "ß" * 5000, "\u023a" * 5000):
        assert not Account.objects.named(absurd).exists()


def test_the_index_of_the_migration_is_the_one_that_the_model_declares() -> None:
    """The migration has the expression by itself: a change of one alone would be read row by row, and nobody told."""
    declared = next(index for index in Account._meta.indexes if index.name == INDEX).clone()
    declared.name = "as_declared"
    with connection.schema_editor() as editor:
        editor.add_index(Account, declared)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('as_declared'::regclass), pg_get_indexdef(%s::regclass)", [INDEX])
        model, migration = cursor.fetchone()
    assert model.replace("as_declared", INDEX) == migration


@pytest.mark.django_db(transaction=True)
def test_the_words_of_a_name_that_is_gone_leave_the_files_of_the_index() -> None:
    gone, _stays = make_account(full_name="Quendolin Xylograph"), make_account(full_name="Ana Sandoval")
    Account.objects.filter(pk=gone.pk).update(full_name="")

    def words() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
            cursor.execute("SELECT pg_read_binary_file(pg_relation_filepath(%s))", [INDEX])
            (file,) = cursor.fetchone()
        return [word for word in ("quendolin", "xylograph", "sandoval") if word.encode() in bytes(file)]

    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM {Account._meta.db_table}")
        assert words() == ["quendolin", "xylograph", "sandoval"]  # why the task is needed
        # What a run that was killed leaves: an index that is not valid.
        cursor.execute(f"CREATE INDEX {INDEX}_ccnew1 ON crm_account (full_name)")
        cursor.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{INDEX}_ccnew1'::regclass")
        tasks.renew_name_index()
        cursor.execute(
            "SELECT to_regclass(%s), indisvalid FROM pg_index WHERE indexrelid = %s::regclass",
            [f"{INDEX}_ccnew1", INDEX],
        )
        assert cursor.fetchone() == (None, True)
    assert words() == ["sandoval"]
