"""Making a database on a server."""

from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql


def ensure_database(url: str, name: str) -> str:
    """Make database `name` on the server that `url` points to, unless it exists; answers the URL of that database.

    Template0 with UTF-8 keeps it free of whatever was added to template1. Two callers at once are harmless.
    """
    parts = urlsplit(url)
    answer = urlunsplit(parts._replace(path=f"/{quote(name, safe='')}"))
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if known is None:
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
            try:
                connection.execute(statement)
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return answer
    return answer
