"""A real SMTP server on loopback that keeps what it receives, for tests that follow mailed links."""

import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from crasme.embedded.processes import free_port


class Mailbox:
    """Use as a context manager; `messages` are parsed mails in the order of arrival."""

    def __init__(self) -> None:
        self.port = free_port()
        self.messages: list[EmailMessage] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(  # noqa: N802  (the name that aiosmtpd calls)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.messages.append(message_from_bytes(envelope.original_content or b"", EmailMessage, policy=policy.default))
        return "250 Message accepted"

    def clear(self) -> None:
        self.messages.clear()

    def wait(self, count: int = 1, seconds: float = 15) -> list[EmailMessage]:
        """The messages, once there are at least `count`; fails the test when they do not come."""
        end = time.monotonic() + seconds
        while len(self.messages) < count:
            assert time.monotonic() < end, f"only {len(self.messages)} of {count} mails came in {seconds} s"
            time.sleep(0.02)
        return list(self.messages)

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages if address in str(message["To"])]

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
