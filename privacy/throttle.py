"""How often visitors may ask, want a link or try a code, in all and by who tries.

What could go wrong: see crasme.kit.limits. A limit here that is too low keeps people from their rights.
"""

from crasme.kit.limits import Limit

ASK_ADDRESS = Limit("ask-address", times=5, seconds=3600)
ASK_NETWORK = Limit("ask-network", times=30, seconds=3600)
# Without the work that a script does in the browser (privacy.puzzle); counted apart, so that whoever sends masses
# without it does not use up what the others may send.
ASK_PLAIN_NETWORK = Limit("ask-plain-network", times=5, seconds=3600)
ASK_PLAIN_ALL = Limit("ask-plain-all", times=300, seconds=3600)
CHALLENGE_NETWORK = Limit("challenge-network", times=120, seconds=3600)
ASK_KEY = Limit("ask-key", times=1000, seconds=3600)
ASK_ALL = Limit("ask-all", times=2000, seconds=3600)
CHECK_NETWORK = Limit("check-network", times=120, seconds=3600)
HANDOFF_NETWORK = Limit("handoff-network", times=300, seconds=3600)
LINK_ADDRESS = Limit("link-address", times=5, seconds=3600)
LINK_NETWORK = Limit("link-network", times=30, seconds=3600)
CODE_NETWORK = Limit("code-network", times=30, seconds=3600)
REPLY_NETWORK = Limit("reply-network", times=60, seconds=3600)
REPLY_REFERENCE = Limit("reply-reference", times=10, seconds=3600)
CODE_REFERENCE = Limit("code-reference", times=10, seconds=3600)
PROPOSE_REQUEST = Limit("propose-request", times=30, seconds=3600)
MAILBOX_REQUEST = Limit("mailbox-request", times=6, seconds=86400)
MAILBOX_ADDRESS = Limit("mailbox-address", times=3, seconds=86400)
