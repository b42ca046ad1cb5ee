from flask.testing import FlaskClient

from hello.tasks import add


def test_up(client: FlaskClient) -> None:
    response = client.get("/up")
    assert (response.status_code, response.text) == (200, "ok")


def test_up_databases(client: FlaskClient) -> None:
    response = client.get("/up/databases")
    assert (response.status_code, response.text) == (200, "ok")


def test_a_note_is_kept(client: FlaskClient) -> None:
    created = client.post("/notes", json={"text": "buy milk"})
    assert created.status_code == 201
    assert created.json in client.get("/notes").json


def test_a_note_needs_text(client: FlaskClient) -> None:
    assert client.post("/notes", json={"title": "buy milk"}).status_code == 400


def test_add_is_done_by_the_worker() -> None:
    assert add.delay(2, 3).get(timeout=10) == 5


def test_add_over_http(client: FlaskClient) -> None:
    response = client.post("/tasks/add", json={"x": 20, "y": 22})
    assert response.json == {"result": 42}
