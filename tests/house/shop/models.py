"""No tables are ever made of these; the system checks only look at the classes."""

from django.db import models


class Undeclared(models.Model):  # noqa: DJ008
    email = models.EmailField()


class Forgotten(models.Model):  # noqa: DJ008
    email = models.EmailField()
    phone = models.CharField(max_length=20)


class Misspelt(models.Model):  # noqa: DJ008
    email = models.EmailField()


class Unreasoned(models.Model):  # noqa: DJ008
    email = models.EmailField()
    total = models.IntegerField()


class Endless(models.Model):  # noqa: DJ008
    email = models.EmailField()


class Betrayed(models.Model):  # noqa: DJ008
    email = models.EmailField()
    token = models.CharField(max_length=40)


class Unfindable(models.Model):  # noqa: DJ008
    email = models.EmailField()


class Denied(models.Model):  # noqa: DJ008
    account = models.ForeignKey("crm.Account", on_delete=models.CASCADE, related_name="+")


class Half(models.Model):  # noqa: DJ008
    email = models.EmailField()
    total = models.IntegerField()
