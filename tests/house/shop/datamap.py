from typing import Any

from crasme.kit.datamap import Category, Field, NoPeople, Purpose, Sensitivity, Table, gone, kept

EMAIL = {"email": gone("E-mail address")}


def table(label: str, fields: dict[str, Field], **others: Any) -> Table:
    given = {"subject": {"email": "email"}, "ends": "account-closed"} | others
    return Table(
        label=label, title=label, category=Category.ACCOUNT, purposes=(Purpose.SERVICE,), fields=fields, **given
    )


TABLES = [
    table("shop.Forgotten", EMAIL),
    table("shop.Misspelt", EMAIL | {"fax": gone("Fax")}, subject={"email": "e_mail"}),
    table("shop.Unreasoned", {"email": kept("E-mail address", reason=""), "total": kept("Total", reason="Tax law.")}),
    table("shop.Endless", EMAIL, ends=""),
    table("shop.Betrayed", EMAIL | {"token": gone("Token", sensitivity=Sensitivity.SECRET)}),
    table("shop.Unfindable", EMAIL, subject={}),
    table("shop.Half", EMAIL | {"total": kept("Total", reason="Tax law.")}),
    NoPeople("shop.Denied", why="Only numbers, we thought."),
    NoPeople("shop.Vanished", why="It is not there any more."),
]
