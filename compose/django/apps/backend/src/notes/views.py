import json

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_http_methods, require_safe

from notes.models import Note


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"database": "ok"})


@require_http_methods(["GET", "POST"])
def notes(request: HttpRequest) -> JsonResponse:
    if request.method == "GET":
        return JsonResponse({"notes": [note.as_json() for note in Note.objects.all()]})
    try:
        text = json.loads(request.body)["text"]
    except (ValueError, KeyError, TypeError):
        text = None
    if not isinstance(text, str):
        return JsonResponse({"error": 'send JSON such as {"text": "buy milk"}'}, status=400)
    return JsonResponse(Note.objects.create(text=text).as_json(), status=201)
