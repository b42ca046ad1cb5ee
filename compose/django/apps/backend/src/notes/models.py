from django.db import models


class Note(models.Model):
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text

    def as_json(self) -> dict[str, str | int]:
        return {"id": self.pk, "text": self.text, "created_at": self.created_at.isoformat()}
