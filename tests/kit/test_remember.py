"""Within a moment an answer is read once, outside of it each time."""

from unittest import mock

import pytest

from crasme.kit.remember import moment, remembered


def test_once_a_key_and_a_moment() -> None:
    read = mock.Mock(side_effect=lambda now, language: f"{language} {now}")
    told = remembered(key=lambda now, language: language)(read)
    assert [told(1, "de"), told(2, "de")] == ["de 1", "de 2"]
    with moment():
        assert [told(3, "de"), told(4, "de"), told(4, "en")] == ["de 3", "de 3", "en 4"]
        with moment():
            assert told(5, "de") == "de 5"
        assert told(6, "de") == "de 3"
    assert told(7, "de") == "de 7"
    read.side_effect = LookupError
    with moment():
        for _ in range(2):
            with pytest.raises(LookupError):
                told(8, "de")
    assert read.call_count == 8
