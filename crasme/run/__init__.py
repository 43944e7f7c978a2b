"""`make run`: everything of the product on one machine, under one supervisor that leaves nothing behind.

Own code and not a Procfile runner, because those end everything when one process ends and know no order: here a child
that dies is started again (a few times), databases stop last, and a second start mends what a killed first one left.
"""
