"""What the task queue does for staff."""

import time

from celery import shared_task

from crasme.staff import uploads


@shared_task
def forget_uploads() -> int:
    """Files that somebody uploaded and did not confirm within a day are deleted; how many."""
    return uploads.forget_old(time.time())
