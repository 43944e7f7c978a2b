"""What the task queue does for staff."""

import time

from celery import shared_task

from crasme.staff import forgotten, uploads


@shared_task
def forget_uploads() -> int:
    """Files that somebody uploaded and did not confirm within a day are deleted; how many."""
    return uploads.forget_old(time.time())


@shared_task
def mail_password_link(user_id: str) -> bool:
    """The link that sets a new password goes to its owner; whether it went out."""
    return forgotten.mail_link(user_id)
