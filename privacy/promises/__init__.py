"""The promise board: what the policy promises, asked of the data itself.

    from privacy.promises import board
    board(now) -> [Finding(promise="P8.2", status=Status.KEPT, evidence="…", figures={…}), …]

What could go wrong: a board that says "kept" because nobody looked. A promise without a check says "not measured" and
why; a check that fails says so; neither ever says "kept". Each check is one or a few indexed queries, so the board
can be drawn on every page view; what is slow (the search for card numbers) is recorded when it runs and read here.
"""

from privacy.promises.registry import Finding, Promise, Status, board, promise

__all__ = ["Finding", "Promise", "Status", "board", "promise"]
