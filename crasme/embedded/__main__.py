"""Run one command on throw-away servers: `python -m crasme.embedded python manage.py check --database default`.

The command finds them, and a development environment with fresh keys, in its environment variables. What the caller
has set stays, the servers' addresses excepted. Everything is gone afterwards.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from crasme import embedded


def main(command: list[str]) -> int:
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="crasme-", ignore_cleanup_errors=True) as folder:
        try:
            with embedded.start(Path(folder), durable=False) as servers:
                own = {"DATABASE_URL": servers.database_url, "BROKER_URL": servers.broker_url, "DATA_DIR": folder}
                variables = embedded.environment(Path(folder)) | os.environ | own
                return subprocess.run(command, env=variables, check=False).returncode
        except embedded.EmbeddedError as error:
            print(error, file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
