"""A run's certificate: what was planned, who approved it, what went, and the ledger entry that proves it, signed.

What could go wrong: a certificate that says other than the ledger (it carries the entry itself, whose digest anybody
can compute and compare at /evidence/verify/, and the path from it to the root of a signed seal of the ledger), one that
looks different each time it is fetched (nothing of the moment is in it; the seal joins it once, minutes after the run),
or one that names people (staff stand in it by reference, what went by counts and a digest).

`check` needs neither database nor network: only the file.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from crasme.kit.canonical import digest
from crasme.ledger import seals, signing
from crasme.ledger.models import Entry
from crasme.ledger.services import contents
from retention.engine import plans
from retention.errors import NoCertificate
from retention.models import Run

PURPOSE: Final = "retention-certificate"
KIND: Final = "retention-run"


def of(run: Run) -> dict[str, Any]:
    """As JSON holds it, with its signature; the same each time. NoCertificate for a run that is not over."""
    entry = Entry.objects.filter(pk=run.entry).first() if run.entry else None
    if entry is None or run.finished_at is None:
        raise NoCertificate(_("Only a run that is over, with its entry in the ledger, has a certificate."))
    rule, plan = run.rule, run.plan
    content: dict[str, Any] = {
        "certificate": KIND,
        "run": str(run.pk),
        "day": run.period_key,
        "state": run.state,
        "rule": {
            "name": rule.slug,
            "ends": rule.target,
            "counted_from": rule.anchor,
            "period": rule.period,
            "action": rule.action,
            "legal_reason": rule.legal_reason,
            "policy_section": rule.policy_section,
            "in_force_from": rule.effective_from.isoformat(),
        },
        "cutoff": run.cutoff.isoformat(),
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat(),
        "plan": plan.content | {"hash": plan.hash, "signature": plan.signature, "key": plan.key} if plan else None,
        "requested_by": run.requested_by,
        "approved_by": run.approved_by,
        "approved_at": run.approved_at.isoformat() if run.approved_at else "",
        "approved_plan": run.approved_hash,
        "rows": run.rows_total,
        "counts": run.counts,
        "digest": run.digest,
        **({"anonymity": run.anonymity} if run.anonymity is not None else {}),
        "seconds": round(run.busy.total_seconds(), 3),
        "wal_bytes": run.wal_bytes,
        "entry": contents(entry) | {"digest": entry.digest},
        "sealed": seals.proof(entry.pk),
        "verify_at": address(entry),
    }
    signature = {"algorithm": "Ed25519", "key": signing.public_key(PURPOSE), "value": signing.sign(PURPOSE, content)}
    return content | {"signature": signature}


def address(entry: Entry) -> str:
    """Where anybody can ask whether the ledger says the same."""
    asked = urlencode({"entry": str(entry.pk), "digest": entry.digest})
    return f"{settings.SITE_URL}{reverse('evidence-verify')}?{asked}"


def check(certificate: Mapping[str, Any]) -> list[str]:
    """What is wrong with a certificate as it was read from a file; empty when it holds together.

    That `signature.key` and `sealed.key` are this house's own is for whoever checks to compare: with what the command
    prints, or with /.well-known/evidence-keys.json.
    """
    content = {name: value for name, value in certificate.items() if name != "signature"}
    try:
        signature, entry, plan = certificate["signature"], dict(content["entry"]), content["plan"]
        proven = entry.pop("digest"), entry["facts"]
        sealed = content.get("sealed")
        problems = {
            _("It is not the certificate of a retention run."): content["certificate"] != KIND,
            _("The signature is not one over this certificate."): not signing.is_signed(
                content, signature=signature["value"], key=signature["key"]
            ),
            _("The ledger entry does not give its digest."): digest(entry) != proven[0],
            _("The ledger entry is not in the seal."): sealed is not None and not seals.proves(sealed, entry=proven[0]),
            _("The plan is not what was signed."): plan is not None and not _is_signed_plan(plan),
            _("The approval is one of another plan."): bool(content["approved_by"] and plan)
            and content["approved_plan"] != plan["hash"],
            _("The ledger entry says something else than the certificate."): any(
                proven[1].get(fact) != content[name] for fact, name in _PROVEN.items()
            )
            or proven[1]["rule"] != content["rule"]["name"]
            or proven[1]["period"] != content["rule"]["period"]
            or proven[1]["plan"] != (plan["hash"] if plan else ""),
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return [_("It is not the certificate of a retention run.")]
    return [problem for problem, is_so in problems.items() if is_so]


def is_ours(certificate: Mapping[str, Any]) -> bool:
    """Whether a certificate that holds together is signed, and sealed, with keys of this house."""
    sealed = certificate.get("sealed")
    return certificate["signature"]["key"] in signing.keys(PURPOSE) and (
        sealed is None or sealed["key"] in signing.keys(seals.PURPOSE)
    )


# Fact of the ledger entry → what the certificate calls it.
_PROVEN: Final = {
    "run": "run",
    "state": "state",
    "cutoff": "cutoff",
    "rows": "rows",
    "counts": "counts",
    "digest": "digest",
    "wal_bytes": "wal_bytes",
    "seconds": "seconds",
    "approved_by": "approved_by",
}


def _is_signed_plan(plan: Mapping[str, Any]) -> bool:
    content = {name: plan[name] for name in ("at", "made_at", "made_by", "lines")}
    is_hex = re.fullmatch(r"[0-9a-f]{64}", plan["hash"]) is not None
    return is_hex and plans.holds(content, hash_of=plan["hash"], signature=plan["signature"], key=plan["key"])
