"""How often visitors may ask, want a link or try a code, in all and by who tries.

What could go wrong: see crasme.kit.limits. A limit here that is too low keeps people from their rights.
"""

from crasme.kit.limits import Limit

ASK_ADDRESS = Limit("ask-address", times=5, seconds=3600)
ASK_NETWORK = Limit("ask-network", times=30, seconds=3600)
ASK_KEY = Limit("ask-key", times=1000, seconds=3600)
ASK_ALL = Limit("ask-all", times=2000, seconds=3600)
LINK_ADDRESS = Limit("link-address", times=5, seconds=3600)
LINK_NETWORK = Limit("link-network", times=30, seconds=3600)
CODE_NETWORK = Limit("code-network", times=30, seconds=3600)
CODE_REFERENCE = Limit("code-reference", times=10, seconds=3600)
