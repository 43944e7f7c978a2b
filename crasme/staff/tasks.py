"""What the task queue does for staff."""

import time

from celery import shared_task
from django.utils import timezone

from crasme.staff import forgotten, searches, uploads


@shared_task
def forget_uploads() -> int:
    """Files that somebody uploaded and did not confirm within a day are deleted; how many."""
    return uploads.forget_old(time.time())


@shared_task
def forget_searches() -> int:
    """What somebody searched for an hour ago is taken out of their session; of how many."""
    return searches.forget_ended(timezone.now())


@shared_task
def mail_password_link(user_id: str) -> bool:
    """The link that sets a new password goes to its owner; whether it went out."""
    return forgotten.mail_link(user_id)
