#!/bin/sh
# Brings the database up to date before the server starts; any other command starts at once.
set -eu

if [ "${1:-}" = "gunicorn" ]; then
  python manage.py migrate --no-input
fi

exec "$@"
