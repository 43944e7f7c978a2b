from crasme.kit.datamap import Category, NoPeople, Purpose, Table, gone, kept

TAX = "Tax law demands it."

TABLES = [
    Table(
        label="store.Customer",
        title="Customers",
        category=Category.ACCOUNT,
        purposes=(Purpose.SERVICE,),
        subject={"email": "email"},
        ends="",
        ends_reason="They decide when to leave.",
        fields={"email": gone("E-mail address")},
    ),
    Table(
        label="store.Order",
        title="Orders",
        category=Category.BILLING,
        purposes=(Purpose.SERVICE,),
        subject={"email": "customer__email"},
        ends="",
        ends_reason="Kept by the bookkeeper's own rule.",
        fields={"customer": kept("Who ordered", reason=TAX), "total": kept("Total", reason=TAX)},
    ),
    NoPeople("store.Product", why="Things on a shelf."),
]
