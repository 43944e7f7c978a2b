"""A process that carries out rules and is killed in the middle: `python -m tests.retention.victim`.

Each line on standard input is "slug boundary"; a forked child carries the rule out and sends itself SIGKILL when it
reaches the boundary. The slug "erasure" stands for the erasure of the account whose holder is called Leaver, "tick" for
all that is due, "approval" for that of the run that waits. The answer is a line: "killed", or "finished" when the
boundary never came.
"""

import os
import signal
import sys
from functools import partial
from typing import Any

import django


def main() -> None:
    django.setup()
    print("ready", flush=True)
    for line in sys.stdin:
        slug, boundary = line.split()
        child = os.fork()
        if child == 0:
            {"erasure": _erase, "approval": _approve}.get(slug, partial(_carry_out, slug))(boundary)
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

    if slug == "tick":
        services.run_due(NOW, reached=pull_the_plug)
    else:
        rule = Rule.objects.active().get(slug=slug)
        services.run_rule(rule, now=NOW, actor="system:victim", reached=pull_the_plug)
    os._exit(0)


def _approve(boundary: str) -> None:
    from retention import services
    from retention.models import Run
    from tests.retention.builders import NOW

    record = services.record

    def pull_the_plug(*args: Any, **kwargs: Any) -> None:
        record(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(services, boundary, pull_the_plug)
    run = Run.objects.waiting().select_related("plan").get()
    Run.objects.filter(pk=run.pk).update(requested_by="staff:first")
    services.approve(run, plan_hash=run.plan.hash if run.plan else "", actor="staff:victim", now=NOW)
    os._exit(0)


def _erase(boundary: str) -> None:
    from crasme.crm.models import Account
    from crasme.kit.datamap import Subject
    from retention import erasure
    from retention.outside import writing
    from retention.outside.places import LineFile
    from tests.retention.builders import NOW

    append = LineFile.append

    def pull_the_plug(*args: object, **kwargs: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def half_a_line(self: LineFile, make: Any, **kwargs: object) -> None:
        def torn(tail: Any) -> list[str]:
            with self.path.open("ab") as file:
                file.write(make(tail)[-1][:40].encode())
            pull_the_plug()
            return []

        append(self, torn)

    places: dict[str, tuple[object, str, Any]] = {
        "ledger.unwritten": (LineFile, "append", pull_the_plug),
        "ledger.torn": (LineFile, "append", half_a_line),
        "ledger.written": (writing, "store", pull_the_plug),
        "ledger.committed": (writing, "_noted", pull_the_plug),
    }
    setattr(*places[boundary])
    account = Account.objects.get(full_name="Leaver")
    of = Subject.of(account=account.pk, email=account.email)
    erasure.erase(of, plan_hash=erasure.preview(of, NOW).hash, actor="system:victim", now=NOW)
    os._exit(0)


if __name__ == "__main__":
    main()
