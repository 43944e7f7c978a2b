"""WP216's third question, can something be inferred about somebody: classes that tell a sensitive value, by having too
few of them or by having them in other shares than all rows."""

from collections.abc import Iterator

from retention.anonymity.measuring import Counted, Measured
from retention.anonymity.report import Finding, Question


def found(measured: Measured, counted: Counted) -> Iterator[Finding]:
    for name in measured.telling:
        if number := counted.few[name]:
            yield Finding(Question.INFER, "homogeneous", name, number)
        if number := counted.skewed[name]:
            yield Finding(Question.INFER, "skewed", name, number)
