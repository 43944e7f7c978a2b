from django.db import models


class Customer(models.Model):  # noqa: DJ008
    email = models.EmailField()


class Order(models.Model):  # noqa: DJ008
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
    total = models.IntegerField()


class Product(models.Model):  # noqa: DJ008
    name = models.CharField(max_length=40)
