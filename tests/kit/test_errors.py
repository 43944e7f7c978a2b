"""An error says what happened and what to do, and can be told by its code."""

from crasme.kit.errors import CrasmeError


class TooLate(CrasmeError):
    code = "too-late"
    remedy = "Come earlier."


def test_an_error_speaks_in_full_and_keeps_its_parts() -> None:
    error = TooLate("The door is closed.")
    assert str(error) == "The door is closed. Come earlier."
    assert (error.message, error.code, error.remedy) == ("The door is closed.", "too-late", "Come earlier.")


def test_a_raise_may_be_more_exact_without_changing_the_class() -> None:
    error = TooLate("The window is closed.", code="too-late-window", remedy="")
    assert (str(error), error.code) == ("The window is closed.", "too-late-window")
    assert (TooLate.code, TooLate.remedy) == ("too-late", "Come earlier.")
