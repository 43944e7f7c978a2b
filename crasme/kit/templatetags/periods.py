"""`{% load periods %}` and `{{ rule.period|words }}`: a period as people say it, in the active language.

What could go wrong: a template types "24 months" itself, and goes on saying so after the rule has changed.
"""

from django import template

from crasme.kit.calendar import Period

register = template.Library()


@register.filter
def words(period: str | Period) -> str:
    """ "P24M" or a Period gives "24 months". PeriodError for text that is none: a wrong promise must not be shown."""
    return Period.parse(period).words()
