"""`manage.py backups register | list | gone`: the register of copies, for the job that makes them and for people."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crasme.staff import actors
from retention import services
from retention.errors import RetentionError
from retention.models import BackupSet


class Command(BaseCommand):
    help = "Enter copies in the register of backups, list them, and say that a processor's copy is gone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_subparsers(dest="what", required=True, metavar="register|list|gone")
        register = which.add_parser("register", help="enter a copy; it ends by the rule for backups")
        register.add_argument("location", help="path below the backup folder; of a processor's copy, where it is")
        register.add_argument("--kind", choices=BackupSet.Kind.values, default=BackupSet.Kind.DATABASE)
        register.add_argument("--name", help="what it is called; its location when left out")
        register.add_argument(
            "--made-at", type=_instant, metavar="INSTANT", help="2026-11-22T03:00:00Z; now if left out"
        )
        register.add_argument("--size", type=int, default=0, help="bytes")
        which.add_parser("list", help="copies that are there, and files in the backup folder that no row knows")
        gone = which.add_parser("gone", help="a processor has shown that its copy is gone")
        gone.add_argument("location")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")(**options)
        except RetentionError as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None

    def _register(
        self, *, location: str, kind: str, name: str | None, made_at: datetime | None, size: int, **_options: Any
    ) -> None:
        made = services.register_backup(
            name=name or location[-120:], kind=kind, location=location, made_at=made_at or timezone.now(), size=size
        )
        self.stdout.write(f"{made.name} is registered; it ends on {made.expires_at:%Y-%m-%d}.")

    def _list(self, **_options: Any) -> None:
        now = timezone.now()
        for backup in BackupSet.objects.present().order_by("made_at"):
            late = "overdue" if backup.expires_at < now else f"until {backup.expires_at:%Y-%m-%d}"
            self.stdout.write(f"{backup.made_at:%Y-%m-%d %H:%M}  {backup.kind:<10}{late:<18}{backup.location}")
        for found in services.unregistered_backups():
            since = f"{found.changed:%Y-%m-%d %H:%M}" if found.changed else ""
            self.stdout.write(f"{since:<18}{'?':<10}{'not registered':<18}{found.name}")

    def _gone(self, *, location: str, **_options: Any) -> None:
        backup = BackupSet.objects.present().filter(location=location).first()
        if backup is None:
            raise CommandError("No copy at this place is registered, or it was seen to be gone already.")
        services.seen_gone(backup, actor=actors.system("backups"), now=timezone.now())
        self.stdout.write(f"{backup.name} is gone.")


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no instant of the form 2026-11-22T03:00:00Z") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
