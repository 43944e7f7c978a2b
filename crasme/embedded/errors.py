"""What the embedded servers can refuse; every message says what to do about it."""


class EmbeddedError(RuntimeError):
    """Base of this package's errors; the text is meant for the person at the terminal."""


class AlreadyRunning(EmbeddedError):
    """Another live process holds the data folder; `pid` is its process id, 0 when it could not be read."""

    def __init__(self, message: str, *, pid: int) -> None:
        super().__init__(message)
        self.pid = pid


class NotInitialised(EmbeddedError):
    """The data folder has no secrets or servers yet."""
