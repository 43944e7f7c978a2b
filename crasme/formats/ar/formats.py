"""Django has no format for a date with its time in Arabic, and would write it in the American order."""

DATETIME_FORMAT = "j F، Y، H:i"
