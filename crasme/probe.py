"""`python -m crasme.probe`: asks a server in the same container whether it is well; exit code 0 or 1.

What could go wrong: Django refuses an unknown Host (the first of ALLOWED_HOSTS is sent), or the probe waits for ever.
"""

import argparse
import http.client
import os
import sys
from collections.abc import Sequence

PATIENCE_SECONDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m crasme.probe", description="Ask a local server for its health.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--path", default="/health/live/")
    given = parser.parse_args(arguments)
    first = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".*")
    link = http.client.HTTPConnection("127.0.0.1", given.port, timeout=PATIENCE_SECONDS)
    try:
        link.request("GET", given.path, headers={"Host": first or "localhost"})
        status = link.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"{given.path} on port {given.port}: {type(error).__name__}\n")
        return 1
    finally:
        link.close()
    if status != 200:
        sys.stderr.write(f"{given.path} on port {given.port} answers {status}\n")
    return int(status != 200)


if __name__ == "__main__":
    sys.exit(main())
