"""Which words may stand at the cursor: pure, from the words before it and what is known of the tasks."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uvdock.cli.completion.shape import Catalogue, OptionShape, TaskWords

    Found = list[tuple[str, str]]


_SEPARATOR = ("--", "what follows is handed on")
#: What is looked up when one may stand there, and what a person sees it called.
KINDS = {
    "services": "service",
    "dependencies": "package",
    "packages": "package",
    "groups": "group",
    "rules": "rule",
}


def candidates(words: Sequence[str], catalogue: Catalogue, names: Callable[[str], list[str]]) -> Found:
    """What may stand in the place of the last word, each with its help.

    Args:
        words: The command line after the program, up to the cursor; the last word is the one being typed.
        catalogue: The tasks and options there are.
        names: Called with one of `KINDS` for the names where one may stand.

    Returns:
        The words that fit the place, whatever their beginning; none where the shell's files do.
    """
    return _Line(catalogue, names).complete(list(words[:-1]), words[-1])


def joined(words: Sequence[str]) -> tuple[list[str], bool]:
    """The words as they were typed, where bash made three of ``--option=value``; and whether it did so at the end."""
    found: list[str] = []
    split = False
    for word in words:
        if word == "=" and found and found[-1].startswith("--"):
            found[-1] += "="
            split = True
        elif found and found[-1].startswith("--") and found[-1].endswith("=") and split:
            found[-1] += word
        else:
            found.append(word)
            split = False
    return found, split


class _Line:
    """A command line being read: which task the words are at, and what of it is still to come."""

    def __init__(self, catalogue: Catalogue, names: Callable[[str], list[str]]) -> None:
        self.catalogue = catalogue
        self.names = names
        self.task: TaskWords | None = None
        self.positionals: list[list[str] | str | None] = []

    def complete(self, before: list[str], current: str) -> Found:
        at = 0
        while at < len(before):
            word, at = before[at], at + 1
            if word == "--":
                return self.words(first=at == len(before))
            option = self.option(word.partition("=")[0]) if word.startswith("-") else None
            if option is not None:
                if option["value"] == "no" or "=" in word:
                    continue
                if at == len(before):
                    return self.value(option, current)
                # Of an option that may do without, what follows is its value as Invoke reads it, but for options.
                at += 0 if option["value"] == "maybe" and before[at].startswith("-") else 1
            elif self.positionals:
                self.positionals.pop(0)
            elif self.task is not None and self.task["kind"] != "none":
                # Under `inv` a word that is not after -- is refused; that of a command line ends all options.
                if self.task["kind"] == "command" or not self.catalogue["bare"]:
                    return []
            elif not self.enter(word):
                return []
        return self.here(current)

    def words(self, *, first: bool) -> Found:
        """The words of the task: any of them where they are names, only the first of a command line."""
        return self.values(self.task["words"]) if self.task and (first or self.task["kind"] == "names") else []

    def enter(self, word: str) -> bool:
        """Go to the task of that name; whether there is one."""
        found = self.find(word)
        if found is None or not self.may_follow(found):
            return False
        self.task, self.positionals = found, list(found["positionals"])
        return True

    def may_follow(self, task: TaskWords) -> bool:
        """Whether a task may stand here: under `uvdock`, one that takes words stands alone."""
        if self.task is None or not self.catalogue["bare"]:
            return True
        return all(item["kind"] == "none" and not item["positionals"] for item in (self.task, task))

    def find(self, name: str) -> TaskWords | None:
        return self.catalogue["tasks"].get(self.catalogue["aliases"].get(name, name))

    def option(self, name: str) -> OptionShape | None:
        own = self.task["options"] if self.task else []
        return next((option for option in (*own, *self.catalogue["core"]) if name in option["names"]), None)

    def value(self, option: OptionShape, current: str) -> Found:
        if option["value"] == "maybe" and current.startswith("-"):
            return self.here(current)
        return self.values(option["values"])

    def here(self, current: str) -> Found:
        """What may stand where no option waits for its value."""
        name, equals, _ = current.partition("=")
        if current.startswith("-") and equals:
            option = self.option(name)
            return [(f"{name}={value}", about) for value, about in self.values(option["values"])] if option else []
        if current.startswith("-"):
            return self.options()
        if self.positionals:
            return self.values(self.positionals[0])
        if self.task is None or self.task["kind"] == "none":
            return self.values("tasks")
        return self.words(first=True) if self.catalogue["bare"] else [_SEPARATOR]

    def options(self) -> Found:
        shown = self.task["options"] if self.task else self.catalogue["core"]
        # The first is the long one, or the one that changes something: `--no-build` before `--build`.
        found = [(option["names"][0], option["help"]) for option in shown]
        if self.task is None:
            return found
        separator = [] if self.task["kind"] == "none" else [_SEPARATOR]
        return [*found, ("--help", "Show what the task does, its options and examples."), *separator]

    def values(self, kind: list[str] | str | None) -> Found:
        if isinstance(kind, str) and kind in KINDS:
            return [(name, KINDS[kind]) for name in self.names(kind)]
        if kind == "tasks":
            return [(name, task["help"]) for name, task in self.catalogue["tasks"].items() if self.may_follow(task)]
        if kind == "namespaces":
            return [(name, "namespace") for name in self.catalogue["namespaces"]]
        return [(value, "") for value in kind] if isinstance(kind, list) else []
