"""The Flask application."""

import os

import click
from flask import Flask
from redis import Redis
from sqlalchemy.exc import OperationalError

from hello.database import Database
from hello.views import pages


def create_app(database_url: str | None = None) -> Flask:
    """Return an app on DATABASE_URL, or on the given database."""
    # What the js service builds, at /static/app.js and /static/app.css.
    app = Flask(__name__, static_folder="../public", static_url_path="/static")
    app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
    database = Database(database_url or os.environ["DATABASE_URL"])
    app.extensions["database"] = database
    app.extensions["redis"] = Redis.from_url(os.environ["REDIS_URL"])
    app.register_blueprint(pages)

    @app.cli.command("init-db")
    def init_db() -> None:
        """Create the tables that are missing."""
        try:
            database.create_tables()
        except OperationalError as error:
            raise click.ClickException(f"no database: {error.orig}") from error

    return app
