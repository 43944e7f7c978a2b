"""Rules, holds, runs and the register of backups: what ends when, what may not, and what was done."""

from retention.models.backups import BackupSet
from retention.models.erasures import ErasureEntry, ErasureHead, ErasureParked, ErasureWaiting
from retention.models.holds import Hold, HoldItem
from retention.models.plans import Plan, PlanOrder
from retention.models.rules import Rule
from retention.models.runs import Batch, Run
from retention.models.standing import Standing

__all__ = [
    "BackupSet",
    "Batch",
    "ErasureEntry",
    "ErasureHead",
    "ErasureParked",
    "ErasureWaiting",
    "Hold",
    "HoldItem",
    "Plan",
    "PlanOrder",
    "Rule",
    "Run",
    "Standing",
]
