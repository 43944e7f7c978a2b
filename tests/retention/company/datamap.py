from crasme.kit.datamap import Category, NoPeople, Purpose, Table, anonymised, blanked, gone, kept

TABLES = [
    Table(
        label="company.Ticket",
        title="Tickets",
        category=Category.CONTENT,
        purposes=(Purpose.SERVICE,),
        subject={"account": "owner"},
        ends="account-closed",
        fields={"owner": gone("Who opened it"), "title": gone("Title"), "parent": gone("Parent")},
    ),
    Table(
        label="company.Reply",
        title="Replies",
        category=Category.CONTENT,
        purposes=(Purpose.SERVICE,),
        subject={"account": "author"},
        ends="account-closed",
        fields={"ticket": gone("Ticket"), "author": gone("Author"), "text": gone("Text")},
    ),
    Table(
        label="company.Rating",
        title="Ratings",
        category=Category.CONTENT,
        purposes=(Purpose.IMPROVEMENT,),
        subject={"account": "account"},
        ends="account-closed",
        fields={
            "account": kept("Whose", reason="Counted once."),
            "comment": blanked("Comment"),
            "answers": blanked("Answers"),
            "score": anonymised("Score", how="zero"),
            "source": anonymised("Source", how="=unknown"),
            "seen_on": anonymised("Day", how="now"),
            "invoice": kept("Invoice", reason="Books."),
        },
    ),
    NoPeople("company.Tag", why="Words."),
    NoPeople("company.Receipt", why="Numbers."),
]
