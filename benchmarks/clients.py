"""Readers and writers for `purge_under_load`: `python -m benchmarks.clients CALLS_PER_SECOND SECONDS CLIENTS`.

A pace of 0 is as fast as it goes; without seconds they go on until a line comes. Says "ready", then one JSON object:
calls a second, and the p50, p95 and p99 in milliseconds, from when a call was due.
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


def main(pace: float, seconds: float, clients: int) -> None:
    over = threading.Event()
    taken: list[list[float]] = [[] for _ in range(clients)]
    with psycopg.connect(os.environ["BENCH_DSN"]) as one:
        keys = [
            row[0] for row in one.execute("SELECT id FROM crm_account WHERE status = 'active' AND email LIKE 'usage%'")
        ]
    threads = [threading.Thread(target=_client, args=(keys, pace / clients, over, mine), daemon=True) for mine in taken]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    if seconds:
        over.wait(seconds)
    else:
        time.sleep(1)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
    over.set()
    for thread in threads:
        thread.join()
    lasted = time.monotonic() - started
    every = sorted(each for mine in taken for each in mine)
    share = lambda part: round(1000 * every[min(len(every) - 1, int(part * len(every)))], 3)  # noqa: E731
    said = {"calls_per_second": len(every) / lasted, "p50": share(0.5), "p95": share(0.95), "p99": share(0.99)}
    sys.stdout.write(json.dumps(said) + "\n")


def _client(keys: list[object], pace: float, over: threading.Event, taken: list[float]) -> None:
    with psycopg.connect(os.environ["BENCH_DSN"], autocommit=True) as server:
        due = time.monotonic()
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
            taken.append(time.monotonic() - due)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
