"""Looking people up by any word of their name, however it is written: "muller" finds "Zoë Müller-Sandoval".

An index over an expression serves it: nothing is stored that would have to be declared, exported or emptied, and what
empties the name empties the index. No extension of the database is needed.

What could go wrong: the question is put in another form than the index, so that every row is read (both are made here,
of one expression, and a test asks the planner), or what somebody types is read as an operator of the search (each word
is quoted).
"""

import re
import unicodedata
from typing import Final

from django.contrib.postgres.search import SearchVectorField
from django.db.models import BooleanField, F, Func, TextField, Value

# What parts the words of a name; the same in PostgreSQL's regular expressions.
BETWEEN: Final = r"[\s.,;:\"’()/&'-]+"
_MARKS: Final = r"[\u0300-\u036f]"  # accents, once they stand apart from their letters


class NameWords(Func):
    """The words of a name as a set: folded, without accents, as they are written and not as a language has them."""

    template = (
        "array_to_tsvector(array_remove(regexp_split_to_array(lower(regexp_replace("
        f"normalize(%(expressions)s, NFKD), '{_MARKS}', '', 'g')), '{BETWEEN.replace("'", "''")}'), ''))"
    )
    output_field = SearchVectorField()


def has_words(field: str, text: str) -> Func | None:
    """The condition that each word of `text` begins a word of the name in `field`; None when there is no word."""
    plain = re.sub(_MARKS, "", unicodedata.normalize("NFKD", text))
    words = [word.replace("\\", "\\\\") for word in re.split(BETWEEN, plain) if word]
    if not words:
        return None
    # Folded by the database, as the index is: the two need not know the same letters.
    asked = Func(
        Value(" & ".join(f"'{word}':*" for word in words), output_field=TextField()),
        template="lower(%(expressions)s)::tsquery",
    )
    return Func(
        NameWords(F(field)), asked, template="(%(expressions)s)", arg_joiner=" @@ ", output_field=BooleanField()
    )
