from django.db import models

from crasme.kit.ids import uuid7


class Row(models.Model):
    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"row {self.pk}"


class Ticket(Row):
    owner = models.ForeignKey("crm.Account", on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=80)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="+")


class Reply(Row):
    """Written on somebody's ticket, by whomever."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey("crm.Account", on_delete=models.CASCADE, related_name="+")
    text = models.TextField()


class Tag(Row):
    """Holds no people; hangs off tickets."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+")
    word = models.CharField(max_length=20)


class Rating(Row):
    account = models.ForeignKey("crm.Account", on_delete=models.CASCADE, related_name="+")
    comment = models.TextField()
    answers = models.JSONField(default=list)
    score = models.IntegerField()
    source = models.CharField(max_length=20)
    seen_on = models.DateField()
    invoice = models.CharField(max_length=20)


class Visit(Row):
    """What is worth counting without the people."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    account = models.ForeignKey("crm.Account", on_delete=models.SET_NULL, null=True, related_name="+")
    seen_at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True)
    device = models.CharField(max_length=64)
    page = models.CharField(max_length=20)
    mood = models.CharField(max_length=20)


class Receipt(Row):
    """Somebody's books need it: it protects the ticket it was made for."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="+")
