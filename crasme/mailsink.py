"""A mail server that delivers nothing: on loopback it keeps every mail as a file, for `/inbox/`.

    python -m crasme.mailsink --port 1025 --spool .local/mail

What could go wrong: a reader sees half a mail (it is written to tmp/ and renamed into new/, as a Maildir does), or the
spool grows for ever (only the newest KEPT mails stay, and none for longer than KEPT_FOR).
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT = 1000
KEPT_FOR = 30 * 24 * 60 * 60  # seconds: mails are about people, also those that are only looked at here


class Spool:
    """An aiosmtpd handler: one `.eml` file a mail; names sort by arrival."""

    def __init__(self, folder: Path, *, kept: int = KEPT) -> None:
        self._new, self._tmp = folder / "new", folder / "tmp"
        for part in (folder, self._new, self._tmp):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kept = kept
        self._count = itertools.count()
        self._forget()

    async def handle_DATA(  # noqa: N802  (the name that aiosmtpd calls)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.keep(envelope.original_content or b"", envelope.mail_from or "", envelope.rcpt_tos)
        return "250 Message kept"

    def keep(self, content: bytes, sender: str, recipients: Sequence[str]) -> Path:
        """Write one mail, with the envelope in front as X-Envelope-… headers, which may differ from the mail's own."""
        name = f"{time.time_ns()}-{os.getpid()}-{next(self._count)}.eml"
        draft = self._tmp / name
        envelope = "".join(
            f"{header}: {value}\r\n"
            for header, value in (("X-Envelope-From", sender), ("X-Envelope-To", ", ".join(recipients)))
            if value
        )
        with draft.open("xb") as stream:
            stream.write(envelope.encode() + content)
            stream.flush()
            os.fsync(stream.fileno())
        kept = draft.rename(self._new / name)
        self._forget()
        return kept

    def _forget(self) -> None:
        for place, mail in enumerate(sorted(self._new.glob("*.eml"), reverse=True)):
            with contextlib.suppress(FileNotFoundError):
                if place >= self._kept or mail.stat().st_mtime < time.time() - KEPT_FOR:
                    mail.unlink()


async def serve(port: int, folder: Path) -> None:
    """Until SIGTERM or SIGINT."""
    loop, over, spool = asyncio.get_running_loop(), asyncio.Event(), Spool(folder)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    server = await loop.create_server(lambda: SMTP(spool, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port)
    print(f"Keeping mail that comes to 127.0.0.1:{port} in {folder}", flush=True)
    async with server:
        await over.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m crasme.mailsink", description="Keep mail, deliver nothing.")
    parser.add_argument("--port", type=int, default=1025)
    parser.add_argument("--spool", type=Path, required=True)
    given = parser.parse_args(arguments)
    asyncio.run(serve(given.port, given.spool))


if __name__ == "__main__":
    main()
