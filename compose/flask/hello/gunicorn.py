"""gunicorn's settings; it reads the number of workers from WEB_CONCURRENCY itself."""

import os

bind = "0.0.0.0:8000"
accesslog = "-"
reload = os.environ.get("WEB_RELOAD", "false") == "true"
# Its heartbeat file: on a disk that stalls, workers would be taken for dead.
worker_tmp_dir = "/dev/shm"
