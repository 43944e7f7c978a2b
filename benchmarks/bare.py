"""The bare SQL of what a request reads or erases, in processes of their own: the baseline of `request_throughput`.

No plan, no approval, no proof, no file and no mail: what any product must at least do. It knows nothing of Django, so
that a process of it starts in no time.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import batched
from multiprocessing import get_context

import psycopg

# Table → its rows of one account. Children first, so that it is an order to delete in as well.
ROWS = {
    "crm_syncedmessage": "integration_id IN (SELECT id FROM crm_integration WHERE account_id = %s)",
    "crm_integration": "account_id = %s",
    "crm_note": "owner_id = %s",
    "crm_deal": "owner_id = %s",
    "crm_contact": "owner_id = %s",
    "crm_usageevent": "account_id = %s",
    "crm_heldusageevent": "account_id = %s",
    "crm_device": "account_id = %s",
    "crm_billingprofile": "account_id = %s",
    "crm_credential": "account_id = %s",
    "crm_invoice": "account_id = %s",
    "crm_account": "id = %s",
}
KEPT = {
    "crm_invoice": "billed_email = ''",
    "crm_account": "status = 'erased', erased_at = now(), email = '', full_name = '', phone = '', job_title = '',"
    " business_address = '', language = '', time_zone = ''",
}
READS = tuple(f"SELECT * FROM {table} WHERE {which}" for table, which in ROWS.items())
ERASURES = tuple(
    f"UPDATE {table} SET {KEPT[table]} WHERE {which}" if table in KEPT else f"DELETE FROM {table} WHERE {which}"
    for table, which in ROWS.items()
)


def run(url: str, statements: Sequence[str], accounts: Sequence[str], processes: int = 2) -> tuple[float, float]:
    """Seconds from start to end, and CPU seconds of the processes, for all accounts: a transaction each."""
    shares = [list(share) for share in batched(accounts, -(-len(accounts) // processes), strict=False)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(_share, [url] * processes, [()] * processes, [()] * processes))  # start them before the clock
        started = time.perf_counter()
        cpu = sum(pool.map(_share, [url] * len(shares), [statements] * len(shares), shares))
        return time.perf_counter() - started, cpu


def _share(url: str, statements: Sequence[str], accounts: Sequence[str]) -> float:
    started = time.process_time()
    with psycopg.connect(url, autocommit=True) as connection:
        for account in accounts:
            with connection.transaction():
                for statement in statements:
                    found = connection.execute(statement, [account])
                    if found.description:
                        found.fetchall()
    return time.process_time() - started
