"""Nothing that stores people is without an end, and the schedule can be carried out.

retention.E001 a table ends by a rule that the first schedule lacks · E002 a rule that does not reach a table it is said
to end · E003 a rule whose target, anchor, shelf or reference leads nowhere · E004 a declared erasure that the column
refuses · E005 multi-table inheritance, which sets of rows cannot follow.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import Error, Tags, register
from django.core.exceptions import FieldDoesNotExist, ValidationError

from crasme.kit import datamap
from crasme.kit.datamap import Erase, Table, blanked
from retention import fields, graph
from retention.errors import NotBlankable
from retention.models import Rule
from retention.models.rules import FIELD_ACTIONS
from retention.replacements import replacement
from retention.schedule import FIRST_SCHEDULE
from retention.schedule.planned import Planned, rule_of


@register(Tags.models)
def the_schedule_ends_everything(**kwargs: Any) -> list[Error]:
    try:
        tables = datamap.tables()
    except LookupError:
        return []  # kit.checks reports it
    schedule = {planned.slug: planned for planned in FIRST_SCHEDULE}
    broken = {planned.slug: list(_broken_rule(planned)) for planned in FIRST_SCHEDULE}
    found = [error for errors in broken.values() for error in errors]
    for table in tables:
        try:
            table.model  # noqa: B018  (a label that resolves to nothing is kit.checks' to report)
        except LookupError:
            continue
        planned = schedule.get(table.ends)
        if table.ends and planned is None:
            yield_error = f"{table.label} ends by the rule {table.ends!r}, which is not in the first schedule."
            found.append(Error(yield_error, hint="Add it to retention/schedule/.", id="retention.E001"))
        elif planned is not None and not broken[planned.slug] and not reaches(planned, table):
            found.append(
                Error(
                    f"{table.label} is said to end by the rule {planned.slug!r}, which does not reach it.",
                    hint="Name a rule on the table itself, or on one whose rows take it along when they go.",
                    id="retention.E002",
                )
            )
        found += _unfit_erasures(table)
    return found


def reaches(planned: "Planned | Rule", table: Table) -> bool:
    """Whether carrying out the rule ends the table's rows."""
    if planned.action in FIELD_ACTIONS:
        return False  # the rows are still there
    if planned.action == Rule.Action.ERASE_ACCOUNT:
        return "account" in table.subject
    label = table.model._meta.label_lower
    if label in (planned.target.lower(), planned.carry_to.lower()):
        return True
    return graph.path_up(table.model, apps.get_model(planned.target)) is not None


def _broken_rule(planned: Planned) -> Iterator[Error]:
    try:
        rule_of(planned).clean()
        fields.clean(rule_of(planned))
    except ValidationError:
        yield Error(
            f"The rule {planned.slug!r} of the first schedule names a model or a date that does not exist.",
            hint=f"Look at {planned.target}, {planned.anchor!r} and {', '.join(planned.unreferenced_by) or 'no more'}.",
            id="retention.E003",
        )


def _unfit_erasures(table: Table) -> Iterator[Error]:
    model = table.model
    if model._meta.parents:
        yield Error(
            f"{table.label} uses multi-table inheritance; an erasure deletes sets of rows of one table.",
            hint="Use an explicit OneToOneField instead.",
            obj=model,
            id="retention.E005",
        )
    mentions = {name: blanked("mention") for name in table.mentions.values()}
    for name, declared in {**table.fields, **mentions}.items():
        if declared.erase in (Erase.BLANK, Erase.ANONYMISE):
            try:
                replacement(model._meta.get_field(name), declared)
            except FieldDoesNotExist:
                continue  # kit.checks reports it
            except NotBlankable as error:
                yield Error(str(error), obj=model, id="retention.E004")
