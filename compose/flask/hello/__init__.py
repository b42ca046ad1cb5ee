"""Notes in Postgres, background work in Celery."""
