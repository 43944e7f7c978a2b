"""Readers and writers for `purge_under_load`: `python -m benchmarks.clients CALLS_PER_SECOND SECONDS CLIENTS`.

A pace of 0 is as fast as it goes. They warm up for a second, say "ready", and from there on what they feel counts: for
so many seconds, or until a line comes. Then they say one JSON object: calls a second, and each call's milliseconds,
from when it was due to its answer, so that a client that was kept waiting is late for its next calls too.
"""

import json
import os
import random
import sys
import threading
import time

import psycopg

READ = """SELECT a.id, a.full_name, count(i.id) FROM crm_account a LEFT JOIN crm_invoice i ON i.account_id = a.id
          WHERE a.id = %s GROUP BY a.id"""
EVENTS = (
    "SELECT occurred_at, kind FROM crm_usageevent WHERE account_id = %s AND occurred_at > now() - interval '7 days'"
)
WRITE = """INSERT INTO crm_contact (id, owner_id, created_at, full_name, email, phone, company)
           VALUES (uuidv7(), %s, now(), 'x', '', '', '')"""
WARM = 1.0  # seconds


def main(pace: float, seconds: float, clients: int) -> None:
    over = threading.Event()
    taken: list[list[tuple[float, float]]] = [[] for _ in range(clients)]
    with psycopg.connect(os.environ["BENCH_DSN"]) as one:
        keys = [
            row[0] for row in one.execute("SELECT id FROM crm_account WHERE status = 'active' AND email LIKE 'usage%'")
        ]
    threads = [threading.Thread(target=_client, args=(keys, pace / clients, over, mine), daemon=True) for mine in taken]
    for thread in threads:
        thread.start()
    time.sleep(WARM)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    counted = time.monotonic()
    if seconds:
        over.wait(seconds)
    else:
        sys.stdin.readline()
    lasted = time.monotonic() - counted
    over.set()
    for thread in threads:
        thread.join()
    calls = [round(1000 * late, 3) for mine in taken for due, late in mine if due >= counted]
    sys.stdout.write(json.dumps({"calls_per_second": len(calls) / lasted, "milliseconds": calls}) + "\n")


def _client(keys: list[object], pace: float, over: threading.Event, taken: list[tuple[float, float]]) -> None:
    with psycopg.connect(os.environ["BENCH_DSN"], autocommit=True) as server:
        # Not all in the same instant: a client's calls are due half-way between another's.
        due = time.monotonic() + (random.random() / pace if pace else 0)
        while not over.is_set():
            if pace:
                due += 1 / pace
                if (early := due - time.monotonic()) > 0:
                    time.sleep(early)
            else:
                due = time.monotonic()
            key = [random.choice(keys)]
            for sql in (READ, EVENTS, WRITE):
                server.execute(sql, key)
            taken.append((due, time.monotonic() - due))


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
