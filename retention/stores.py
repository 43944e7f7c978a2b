"""Object stores by fsspec, for copies and for the erasure ledger: opened in one place, with an end to every wait.

What could go wrong: a store that takes the connection and says nothing, while transactions and requests wait for it, or
a listing from a cache that shows what was there before.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

import fsspec

S3: Final = ("s3", "s3a")
# For clients that take it: seconds to connect, and to wait for an answer; and how often it is tried.
CONNECT, ANSWER, TIMES = 3, 8, 2
PATIENCE: Final = 15.0  # seconds for one question, with all its attempts


def opened(url: str, **options: Any) -> tuple[Any, str]:
    """The file system and the path in it. ImportError when the package of the store is not installed."""
    fs, path = fsspec.core.url_to_fs(url, use_listings_cache=False, **_limits(url), **options)
    if hasattr(fs, "retries"):
        fs.retries = 1  # s3fs would ask five times more, each time with the attempts of its client
    return fs, str(path)


def with_versions(url: str) -> Any:
    """The same file system as one that also knows what a store kept of what was deleted."""
    fs, _path = opened(url, **({"version_aware": True} if _is_s3(url) else {}))
    return fs


def in_time[T](act: Callable[[], T]) -> T:
    """The answer, or TimeoutError when the store has given none: whatever its client waits for, we do not."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(act())
        except BaseException as error:  # noqa: BLE001  (raised again where it was asked)
            errors.append(error)

    worker = threading.Thread(target=work, name="store", daemon=True)
    worker.start()
    worker.join(PATIENCE)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError("the store does not answer")
    return answers[0]


def _limits(url: str) -> dict[str, Any]:
    tries = {"max_attempts": TIMES, "mode": "standard"}
    limits = {"config_kwargs": {"connect_timeout": CONNECT, "read_timeout": ANSWER, "retries": tries}}
    return limits if _is_s3(url) else {}


def _is_s3(url: str) -> bool:
    return url.partition(":")[0] in S3
