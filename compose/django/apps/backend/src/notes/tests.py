import pytest
from django.test import Client

from notes.models import Note

pytestmark = pytest.mark.django_db


def test_health(client: Client) -> None:
    response = client.get("/api/health/")
    assert (response.status_code, response.json()) == (200, {"database": "ok"})


def test_a_note_is_kept(client: Client) -> None:
    created = client.post("/api/notes/", {"text": "buy milk"}, content_type="application/json")
    assert created.status_code == 201
    assert client.get("/api/notes/").json() == {"notes": [created.json()]}
    assert Note.objects.get().text == "buy milk"


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"text": 1}', '"text"'])
def test_a_note_needs_text(client: Client, body: str) -> None:
    response = client.post("/api/notes/", body, content_type="application/json")
    assert response.status_code == 400
    assert not Note.objects.exists()
