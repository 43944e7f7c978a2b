"""A process that carries out rules and is killed in the middle: `python -m tests.retention.victim`.

Each line on standard input is "slug boundary"; a forked child carries the rule out and sends itself SIGKILL when it
reaches the boundary. The answer is a line: "killed", or "finished" when the boundary never came.
"""

import os
import signal
import sys
from datetime import timedelta

import django


def main() -> None:
    django.setup()
    print("ready", flush=True)
    for line in sys.stdin:
        slug, boundary = line.split()
        child = os.fork()
        if child == 0:
            _carry_out(slug, boundary)
        _pid, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if killed else f"finished {status}", flush=True)


def _carry_out(slug: str, boundary: str) -> None:
    from retention import services
    from retention.models import Rule
    from tests.retention.builders import NOW

    def pull_the_plug(reached: str) -> None:
        if reached == boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    rule = Rule.objects.active().get(slug=slug)
    services.run_rule(rule, now=NOW + timedelta(0), actor="system:victim", reached=pull_the_plug)
    os._exit(0)


if __name__ == "__main__":
    main()
