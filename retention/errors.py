import re
from typing import Any

from django.utils.translation import gettext_lazy as _

from crasme.kit.errors import CrasmeError


class RetentionError(CrasmeError):
    """Something about ending, or keeping, rows cannot be done as asked; nothing was deleted."""

    code = "retention"


class NotInSchedule(RetentionError):
    """No active rule of that name, or none that ends the table."""

    code = "not-in-schedule"


class NoSuchRow(RetentionError):
    code = "no-such-row"


class NotAKey(RetentionError):
    """What was given cannot be the key of a row of that table."""

    code = "not-a-key"


class PlanTooFar(RetentionError):
    """Nobody can foresee so much: rules change, and what is not there yet cannot be counted."""

    code = "plan-too-far"


class RuleChanged(RetentionError):
    """The rule was replaced while its run was at work; what is left follows the new rule."""

    code = "rule-changed"


class RuleBroken(RetentionError):
    """A rule names a table or a column that is no more, or of which it asks what cannot be done."""

    code = "rule-broken"
    remedy = _("Draft a change of the rule that names what there is, and publish it; until then it ends nothing.")


class NotADraft(RetentionError):
    """Only a draft can be changed, discarded or published; what is in force changes by a publication."""

    code = "not-a-draft"


class RuleWaits(RetentionError):
    """A published change of this rule waits for its day; a second one would overtake it."""

    code = "rule-waits"


class PlanDrift(RetentionError):
    """More rows are over than the run's plan allows for."""

    code = "plan-drift"
    remedy = _("Find out why; then have the new plan approved, or plan anew.")


class PlanAltered(RetentionError):
    """A stored plan does not fit its hash or its signature."""

    code = "plan-altered"
    remedy = _("Plan anew, and find out who changed it.")


class NoCertificate(RetentionError):
    """The run is not over, or left no entry that could prove it."""

    code = "no-certificate"


class UnknownCount(RetentionError):
    """The database gave no number of rows where one was due."""

    code = "unknown-count"


class RunNotWaiting(RetentionError):
    """Only a run that is parked over its limits can be approved."""

    code = "run-not-waiting"


class NoSuchBatch(RetentionError):
    """The keys given are not the rows of one batch."""

    code = "no-such-batch"


class SameHands(RetentionError):
    """Two people are needed, and they must be two."""

    code = "same-hands"


class NothingToHold(RetentionError):
    """A hold that would hold nothing: no items, or what it names is gone already. `field` of the item is at fault."""

    code = "nothing-to-hold"

    def __init__(self, message: Any, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ReviewPast(RetentionError):
    """A hold is reviewed today or later."""

    code = "review-past"


class HoldReleased(RetentionError):
    code = "hold-released"


class PlanChanged(RetentionError):
    """What would be erased now is not what was approved. `plan` is the plan as of now."""

    code = "plan-changed"
    remedy = _("Look at the plan as it is now and have it approved again.")

    def __init__(self, message: Any, *, plan: Any) -> None:
        super().__init__(message)
        self.plan = plan


class ErasureBlocked(RetentionError):
    """Rows that must stay depend on rows that should go. The data map or the models need a person's decision."""

    code = "erasure-blocked"


class NotBlankable(RetentionError):
    """The data map asks to empty, or replace, a column that takes no such value."""

    code = "not-blankable"


class NotAnonymous(RetentionError):
    """The rows would still be somebody's: the run's report names the column and the remedy."""

    code = "not-anonymous"


class TooShortToSearch(RetentionError):
    """An identifier of one or two characters would be found everywhere."""

    code = "too-short-to-search"


class UnsafeLocation(RetentionError):
    """A backup's location leads outside the backup folder."""

    code = "unsafe-location"


class BackupFolderMissing(RetentionError):
    """The backup folder is not there, so that "the file is gone" would prove nothing."""

    code = "backup-folder-missing"
    remedy = _("Mount the backup folder (BACKUP_DIR or BACKUP_URL), or correct the setting.")


class BackupPlaceFailed(RetentionError):
    """The store of the backups did not do what it was asked."""

    code = "backup-place-failed"


class NotAProcessorsCopy(RetentionError):
    """Only a copy at a processor's is seen to be gone by a person; every other one is deleted and looked for."""

    code = "not-a-processors-copy"


class GateShut(RetentionError):
    """This database lags behind the erasure ledger, or does not fit it: nobody works on it until that is mended."""

    code = "restore-gate"
    remedy = _("Run `manage.py erasures status`; it says what is to be done.")


class LedgerBroken(RetentionError):
    """A line of the erasure ledger was changed, cut or put in."""

    code = "erasure-ledger-broken"
    remedy = _(
        "Bring the ledger back from a copy of it, or make it again: `manage.py erasures rebuild --from-database`."
    )


class LedgerUnreachable(RetentionError):
    code = "erasure-ledger-unreachable"
    remedy = _("Mount, or reach, what ERASURE_LEDGER_URL names.")


class ReplayImpossible(RetentionError):
    """An entry of the ledger cannot be carried out again as things are."""

    code = "replay-impossible"


def code_of(error: Exception) -> str:
    """A slug for what is stored of an error; messages may quote data and are never stored."""
    if isinstance(error, CrasmeError):
        return error.code
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()[:64]
