"""What a log line must not hold, taken out of it at the last moment.

What could go wrong: Django names the path of every request that it refuses or that fails, and some paths are secrets:
whoever reads the log could confirm a request, or set a colleague's password, in somebody else's place.
"""

import logging
import re

# Where a secret follows in the path: links that prove a mailbox, answer for a recipient of data or a customer,
# unsubscribe, or set a new password.
_PLACES = (
    "/requests/confirm/",
    "/requests/new-mailbox/",
    "/requests/release/",
    r"/requests/handoff/\?token=",
    "/recipients/acknowledge/",
    "/referrals/",
    "/unsubscribe/",
    "/preferences/open/",
    r"/preferences/handoff/\?token=",
    "/accounts/password/reset/key/",
)
_SECRET = re.compile(rf"({'|'.join(_PLACES)})[^\s/?&]+")


class WithoutSecrets(logging.Filter):
    """Put it on handlers: a filter of a logger does not see what its children pass on."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if (masked := _SECRET.sub(r"\1[…]", message)) != message:
            record.msg, record.args = masked, None
        return True
