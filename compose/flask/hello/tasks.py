"""What the worker does in the background."""

import os

from celery import Celery

celery = Celery("hello", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
celery.conf.broker_connection_retry_on_startup = True
celery.conf.result_expires = 3600


@celery.task
def add(x: int, y: int) -> int:
    return x + y
