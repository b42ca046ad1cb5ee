import os
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, make_url, text

from hello.app import create_app


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A database of its own beside the app's, so a test run leaves the app's notes alone."""
    url = make_url(os.environ["DATABASE_URL"])
    name = f"{url.database}_test"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    drop = text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    with server.connect() as connection:
        connection.execute(drop)
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield url.set(database=name).render_as_string(hide_password=False)
        connection.execute(drop)


@pytest.fixture(scope="session")
def client(database_url: str) -> FlaskClient:
    app = create_app(database_url)
    app.extensions["database"].create_tables()
    return app.test_client()
