"""Looking people up by any word of their name, however it is written: "muller" finds "Zoë Müller-Sandoval".

An index over an expression serves it: nothing is stored beside the name that would have to be declared, exported or
emptied. But an index of this kind never takes a word out again: what no name has any more leads to nobody, and stays in
its file. So `renew_index` builds it anew every night. No extension of the database is needed.

What could go wrong: the question is put in another form than the index, so that every row is read (both are made here,
of one expression, and a test asks the planner and the migration), what somebody types is read as an operator of the
search (each word is quoted), or a word is longer than the database takes, in a question or in a name (both are cut).
"""

import re
import unicodedata
from contextlib import suppress
from typing import Final

from django.contrib.postgres.search import SearchVectorField
from django.db import DatabaseError, connection
from django.db.models import BooleanField, F, Func, TextField, Value

from crasme.kit.text import clean

TABLE: Final = "crm_account"
INDEX: Final = "crm_account_name_words"
LOCK_TIMEOUT: Final = "30min"  # a backup that is being made is waited for
# What parts the words of a name: spaces, points, apostrophes, dashes; the same in PostgreSQL's regular expressions.
BETWEEN: Final = r"[\s.,;:\"()/&'\u00b7\u02bb\u02bc\u2010-\u2015\u2018\u2019-]+"
_MARKS: Final = r"[\u0300-\u036f]"  # accents, once they stand apart from their letters
# Letters whose stroke, or whose second letter, never stands apart.
_LETTERS: Final = {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "\u0131": "i"}
_PAIRS: Final = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
_LONGEST: Final = 500  # characters of all words together, of four bytes at most: a word may have 2,046


def _folded(text: str) -> str:
    """SQL for `text` in small, plain letters. Bytes never become more by it than four a character."""
    folded = f"translate(lower({text}), '{''.join(_LETTERS)}', '{''.join(_LETTERS.values())}')"
    for letter, pair in _PAIRS.items():
        folded = f"replace({folded}, '{letter}', '{pair}')"
    return folded


class NameWords(Func):
    """The words of a name as a set, as they are written and not as a language has them: in small letters, without
    accents, and with plain letters for those of some alphabets (ł, ø, ß …) that have no accent to take away."""

    template = (
        "array_to_tsvector(array_remove(regexp_split_to_array(left("
        + _folded(f"regexp_replace(normalize(%(expressions)s, NFKD), '{_MARKS}', '', 'g')")
        + f", {_LONGEST}), '{BETWEEN.replace("'", "''")}'), ''))"
    )
    output_field = SearchVectorField()


def has_words(field: str, text: str) -> Func | None:
    """The condition that each word of `text` begins a word of the name in `field`; None when there is no word."""
    plain = re.sub(_MARKS, "", unicodedata.normalize("NFKD", clean(text)))[:_LONGEST]
    words = [word.replace("\\", "\\\\") for word in re.split(BETWEEN, plain) if word]
    if not words:
        return None
    # Folded by the database, as the index is: the two need not know the same letters.
    asked = Func(
        Value(" & ".join(f"'{word}':*" for word in words), output_field=TextField()),
        template=f"({_folded('%(expressions)s')})::tsquery",
    )
    return Func(
        NameWords(F(field)), asked, template="(%(expressions)s)", arg_joiner=" @@ ", output_field=BooleanField()
    )


def renew_index() -> None:
    """Builds the index anew, of the names that there are; searches and writers go on. Not in a transaction."""
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            # What a run that was killed left behind: with words in it, and kept up for nobody.
            cursor.execute(
                "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                "WHERE i.indrelid = %s::regclass AND NOT i.indisvalid AND c.relname ~ %s",
                [TABLE, f"^{INDEX}_cc(new|old)[0-9]*$"],
            )
            for (left,) in cursor.fetchall():
                cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {left}")
            cursor.execute(f"REINDEX INDEX CONCURRENTLY {INDEX}")
    finally:
        with suppress(DatabaseError), own.cursor() as cursor:
            cursor.execute("RESET lock_timeout")  # a connection of a pool goes back to it
        own.close()
