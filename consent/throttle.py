"""How often a network may send choices: each is a row, and nobody has to prove anything to send one.

What could go wrong: an office behind one address is turned away. So the limit is far above what people do in a day,
and the banner keeps a choice that was not taken and sends it again later. Most networks send a few choices a day:
those are counted in the process, and each process lets a network through 19 times more at the most.
"""

from crasme.kit.limits import Limit

SHOWN_NETWORK = Limit("shown-network", times=600, seconds=600, bundle=20)
RECEIPTS_NETWORK = Limit("receipts-network", times=120, seconds=600)
CHOICES_NETWORK = Limit("choices-network", times=300, seconds=600, bundle=20)
# A browser tells of what it could not remove on each page; a few of a network say it all.
SURVIVORS_NETWORK = Limit("survivors-network", times=60, seconds=600)
# Calls, not addresses: at 100,000 a call more than any campaign asks for.
CHECK_KEY = Limit("suppression-check-key", times=600, seconds=60)
