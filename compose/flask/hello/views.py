"""The pages, all of them JSON or plain text."""

from typing import TypeVar

from flask import Blueprint, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select, text

from hello.database import Database, Note
from hello.tasks import add

pages = Blueprint("pages", __name__)


def database() -> Database:
    return current_app.extensions["database"]


T = TypeVar("T")


def field(name: str, kind: type[T]) -> T:
    """Return a field of the request's JSON body, or answer 400."""
    body = request.get_json()
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, kind):
        abort(400, f"{name} must be of type {kind.__name__}")
    return value


@pages.get("/up")
def up() -> ResponseReturnValue:
    return "ok"


@pages.get("/up/databases")
def up_databases() -> ResponseReturnValue:
    with database().session() as session:
        session.execute(text("SELECT 1"))
    current_app.extensions["redis"].ping()
    return "ok"


@pages.get("/notes")
def list_notes() -> ResponseReturnValue:
    with database().session() as session:
        notes = session.scalars(select(Note).order_by(Note.id))
        return jsonify([{"id": note.id, "text": note.text} for note in notes])


@pages.post("/notes")
def create_note() -> ResponseReturnValue:
    note = Note(text=field("text", str))
    with database().session() as session:
        session.add(note)
        session.flush()
        return jsonify(id=note.id, text=note.text), 201


@pages.post("/tasks/add")
def run_add() -> ResponseReturnValue:
    task = add.delay(field("x", int), field("y", int))
    return jsonify(result=task.get(timeout=10))
