"""What becomes of each function of a script: a command of uvdock, a task that uvdock has, or a reason why not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from uvdock.init.calls import NotPlainError, ResolvedCall, ScriptScope, first_argument, joined
from uvdock.init.script import Function, Script
from uvdock.init.statements import Branch, Node, Reason, Simple

#: Functions that do what a task of uvdock does, under the names that such scripts give them.
SAME: Mapping[str, str] = {
    "deps.install": "deps.install",
    "pip.install": "deps.install",
    "pip3.install": "deps.install",
    "uv.install": "deps.install",
    "uv.sync": "deps.install",
    "deps.lock": "deps.lock",
    "uv.lock": "deps.lock",
    "deps.check": "deps.check",
    "deps.outdated": "deps.outdated",
    "pip.outdated": "deps.outdated",
    "pip3.outdated": "deps.outdated",
    "uv.outdated": "deps.outdated",
    "uv": "uv",
    "cmd": "cmd",
    "shell": "shell",
    "bash": "shell",
    "build": "build",
    "secret": "secret",
    "ci.test": "ci.test",
    "help": "--list",
}
#: Tasks that do what a function of another name is for, where the function itself is not plain.
_LIKE: Mapping[str, str] = {
    "psql": "db.shell",
    "mysql": "db.shell",
    "redis-cli": "redis.cli",
    "pytest": "test",
    **{f"{name}.{verb}": f"js.{verb}" for name in ("npm", "yarn", "pnpm", "bun") for verb in ("install", "outdated")},
}
#: What follows the name of these tasks is handed on.
_PASSING = frozenset(("uv", "cmd", "build"))
_DEEPEST = 50
_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_HELPER = "a helper: what it does is in the commands that use it"


@dataclass(frozen=True)
class CarriedFunction:
    """One function of a file, and what became of it.

    Args:
        source: The file.
        name: Its name there.
        line: Where it begins.
        state: ``carried`` (a new command), ``has`` (uvdock has it), ``kept`` (the table has it already) or
            ``left`` (not carried over).
        task: The task that does the same from now on.
        why: Why it is not carried over.
        at: The line that says so.
        commands: What the commands table gets, by name.
        takes_rest: Whether further arguments may follow it.
        one_off: Whether it made a container of its own.
    """

    source: str
    name: str
    line: int
    state: Literal["carried", "has", "kept", "left"]
    task: str = ""
    why: str = ""
    at: int = 0
    commands: Mapping[str, Any] = field(default_factory=dict)
    takes_rest: bool = False
    one_off: bool = False


@dataclass(frozen=True)
class Rules:
    """What the repo says already.

    Args:
        tasks: The names of the tasks that uvdock always has.
        ready: The names of those it has in this repo, which a command may replace.
        own: The names of the tasks in the repo's tasks.py, and of commands that another file gave already.
        commands: The names in its commands table.
        service: The service where commands run that name none; empty where nothing says so.
        compose: Whether there is a Compose file.
    """

    tasks: frozenset[str]
    ready: frozenset[str] = frozenset()
    own: Mapping[str, str] = field(default_factory=dict)
    commands: frozenset[str] = frozenset()
    service: str = ""
    compose: bool = True


def task_name(name: str) -> str:
    """A function's name as Invoke writes it: ``lint:docker_file`` is ``lint.docker-file``."""
    return name.replace(":", ".").replace("_", "-")


def carry(script: Script, source: str, itself: tuple[str, ...], rules: Rules) -> list[CarriedFunction]:
    """Say what becomes of every function of a script.

    Args:
        script: What was read of the file.
        source: Its name.
        itself: How it calls itself.
        rules: What the repo says already.

    Returns:
        Each function once, in the file's order.
    """
    last = {function.name: function for function in script.functions}
    reading = ScriptScope(script, last, itself, not rules.compose)
    carrier = _Carrier(reading, source, rules)
    return [
        carrier.found(function.name) if last[function.name] is function else carrier.left(function, function.refused)
        for function in script.functions
    ]


def default_service(script: Script, itself: tuple[str, ...] = ()) -> str:
    """The service that the script's ``cmd`` runs everything in; empty where it has none in the usual form."""
    functions = {function.name: function for function in script.functions}
    if "cmd" not in functions:
        return ""
    reading = ScriptScope(script, functions, itself, everywhere_host=False)
    try:
        body = reading.plain(functions["cmd"])
        if len(body) == 1 and isinstance(body[0], Simple):
            call = reading.resolve(body[0])
            return call.service if call.takes_rest and not call.words else ""
    except NotPlainError:
        pass
    return ""


class _Carrier:
    def __init__(self, reading: ScriptScope, source: str, rules: Rules) -> None:
        self.reading = reading
        self.source = source
        self.rules = rules
        self.done: dict[str, CarriedFunction] = {}
        self.open: list[str] = []
        self.names: dict[str, str] = {}
        for function in reading.script.functions:
            self.names.setdefault(task_name(function.name), function.name)

    def found(self, name: str) -> CarriedFunction:
        """What becomes of one function; each is looked at once."""
        if name not in self.done:
            function = self.reading.functions[name]
            if len(self.open) > _DEEPEST:
                raise NotPlainError(function.line, f"{name} is called through too many others")
            self.open.append(name)
            try:
                self.done[name] = self._known(function) or self._carried(function)
            except NotPlainError as problem:
                self.done[name] = self._like(function, problem.reason) or self.left(function, problem.reason)
            finally:
                self.open.pop()
        return self.done[name]

    def left(self, function: Function, reason: Reason | None) -> CarriedFunction:
        """A function that is not carried over."""
        reason = reason or Reason(function.line, "it is not understood")
        return CarriedFunction(self.source, function.name, function.line, "left", why=reason.why, at=reason.line)

    def _like(self, function: Function, reason: Reason) -> CarriedFunction | None:
        """The task that uvdock has ready in this repo for what a function is for that is not plain itself."""
        name = task_name(function.name)
        task = name if name in self.rules.ready else _LIKE.get(name, "")
        if task not in self.rules.ready:
            return None
        return CarriedFunction(self.source, function.name, function.line, "has", task, reason.why, reason.line)

    def _known(self, function: Function) -> CarriedFunction | None:
        """The function's place where it needs no command: it is a helper, or there is a task already."""
        name, task = function.name, task_name(function.name)
        same = SAME.get(task, "")
        why = self._no_name(name, task)
        if not why and task in self.rules.commands:
            return CarriedFunction(self.source, name, function.line, "kept", task, takes_rest=True)
        if not why and (same in self.rules.tasks or same == "--list") and self._does(function, same):
            return CarriedFunction(self.source, name, function.line, "has", same, takes_rest=same in _PASSING)
        why = why or self._taken(task)
        return self.left(function, Reason(function.line, why)) if why else None

    def _no_name(self, name: str, task: str) -> str:
        """Why a function gets no task of its own name, whatever it does."""
        if name.startswith("_"):
            return _HELPER
        if self.names[task] != name:
            return f"{self.names[task]} gets the same name, {task}"
        return ""

    def _taken(self, task: str) -> str:
        """Why a name is not free for a command."""
        if task in self.rules.own:
            return f"{self.rules.own[task]} has a task {task} already"
        if task in self.rules.tasks:
            return f"uvdock has another task of that name, {task}; with replace = true yours would take its place"
        return ""

    def _does(self, function: Function, task: str) -> bool:
        """Whether a function does what the task does, where its name alone may mean something else."""
        expected = {"build": ("docker",), "shell": ("bash", "sh", "/bin/bash", "/bin/sh", "zsh", "ash", "/bin/ash")}
        if task not in expected:
            return True
        try:
            body = self.reading.plain(function)
            calls = [self.reading.resolve(node) for node in body if isinstance(node, Simple)]
        except NotPlainError:
            return self.rules.compose
        first = calls[0].words[:1] if calls else ()
        return bool(first) and first[0].literal in expected[task]

    def _carried(self, function: Function) -> CarriedFunction:
        task = task_name(function.name)
        nodes = self.reading.plain(function)
        if not all(_PART.fullmatch(part) for part in task.split(".")):
            raise NotPlainError(function.line, "a task may not have that name")
        if not nodes and not function.needs:
            raise NotPlainError(function.line, "it runs nothing")
        if len(nodes) == 2 and isinstance(nodes[0], Branch) and not function.needs:
            return self._with_before(function, nodes[0], nodes[1])
        for node in nodes:
            if not isinstance(node, Simple):
                raise NotPlainError(node.line, _why(node))
        simple = [node for node in nodes if isinstance(node, Simple)]
        if len(simple) == 1 and not function.needs:
            return self._single(function, simple[0])
        commands: dict[str, Any] = {}
        steps = [self._needed(function, need) for need in function.needs]
        steps += [self._step(task, node, commands) for node in simple]
        # In the order they run: what the steps need first, then the list of them.
        commands[task] = _entry(function.help, steps=steps)
        return CarriedFunction(self.source, function.name, function.line, "carried", task, commands=commands)

    def _single(self, function: Function, node: Simple) -> CarriedFunction:
        task, called = task_name(function.name), self.reading.calls(node)
        try:
            call = self.reading.resolve(node)
        except NotPlainError:
            if not called or called == function.name or len(node.words) > 1 + (node.words[0].literal != called):
                raise
            steps = [self._reference(called, node.line)]
            return CarriedFunction(
                self.source,
                function.name,
                function.line,
                "carried",
                task,
                commands={task: _entry(function.help, steps=steps)},
            )
        if not call.words:
            if not call.takes_rest:
                raise NotPlainError(call.line, "it runs nothing")
            raise NotPlainError(
                call.line, f"any command in {call.service}: inv cmd --service {call.service} -- … does it"
            )
        return self._command(function, call, {})

    def _with_before(self, function: Function, branch: Branch, node: Node) -> CarriedFunction:
        answers = first_argument(branch)
        if answers is None or not isinstance(node, Simple):
            raise NotPlainError(branch.line, _why(branch))
        call = self.reading.resolve(node)
        if not call.takes_rest or not call.words or call.shell:
            raise NotPlainError(branch.line, _why(branch))
        before: dict[str, str] = {}
        for answer, body in answers.items():
            if not re.fullmatch(r"[\w.:-]+", answer) or len(body) != 1 or not isinstance(body[0], Simple):
                raise NotPlainError(branch.line, _why(branch))
            first = self.reading.resolve(body[0])
            if first.takes_rest or not first.words or first.shell or _place(first) != _place(call):
                raise NotPlainError(body[0].line, "it runs elsewhere than what follows it, or takes arguments")
            before[answer] = first.text
        return self._command(function, call, before)

    def _command(self, function: Function, call: ResolvedCall, before: Mapping[str, str]) -> CarriedFunction:
        task = task_name(function.name)
        value = _entry(function.help, run=call.text, **self._keys(call), before=dict(before))
        return CarriedFunction(
            self.source,
            function.name,
            function.line,
            "carried",
            task,
            commands={task: value},
            takes_rest=True,
            one_off=call.mode == "run",
        )

    def _keys(self, call: ResolvedCall) -> dict[str, Any]:
        return {
            "service": call.service if call.service != self.rules.service else "",
            "user": call.user,
            "workdir": call.workdir,
            "env": list(call.env),
            "backend": "host" if not call.service and self.rules.compose else "",
            "shell": call.shell,
            "one_off": call.mode == "run",
        }

    def _step(self, task: str, node: Simple, commands: dict[str, Any]) -> str:
        """One call of several as a step: another task, or `cmd`, or a command of its own that is made for it."""
        if any(word.is_rest for word in node.words):
            raise NotPlainError(node.line, '"$@" in one of several calls')
        if task_call := self._task_call(node):
            return task_call
        call = self.reading.resolve(node)
        if not call.words:
            raise NotPlainError(node.line, "it runs nothing")
        keys = {key: value for key, value in self._keys(call).items() if value}
        if call.literal and call.service and not keys.keys() - {"service", "user"}:
            options = [word for key in ("service", "user") if key in keys for word in (f"--{key}", keys[key])]
            return f"{shlex.join(['cmd', *options, '--'])} {call.text}"
        number = next(n for n in range(1, 1000) if self._is_free(f"{task}-{n}", commands))
        commands[f"{task}-{number}"] = _entry(f"Step {number} of {task}.", run=call.text, **self._keys(call))
        return f"{task}-{number}"

    def _task_call(self, node: Simple) -> str:
        """The call of a function as that of its task, with its words; empty where it is no such call."""
        called = self.reading.calls(node)
        if not called or called.startswith("_") or node.assigns:
            return ""
        args = node.words[1 if node.words[0].literal == called else 2 :]
        if not all(word.literal is not None and not word.expands() for word in args):
            return ""
        if not args:
            return self._reference(called, node.line)
        target = self.found(called) if called not in self.open else None
        if target and target.state in ("carried", "has", "kept") and target.takes_rest:
            return f"{target.task} -- {joined(args)}"
        return ""

    def _is_free(self, name: str, commands: Mapping[str, Any]) -> bool:
        taken = (commands, self.names, self.rules.commands, self.rules.tasks, self.rules.ready, self.rules.own)
        return not any(name in names for names in taken)

    def _reference(self, called: str, line: int) -> str:
        """The task of a function that another one calls."""
        if called in self.open:
            raise NotPlainError(line, f"{called} and it call each other")
        target = self.found(called)
        if target.state == "left" or target.task == "--list":
            raise NotPlainError(line, f"it calls {called}, which is not carried over")
        return target.task

    def _needed(self, function: Function, need: str) -> str:
        if need not in self.reading.functions:
            raise NotPlainError(function.line, f"it needs {need}, which is no task of this file")
        return self._reference(need, function.line)


def _entry(about: str, *, run: str = "", steps: list[str] | None = None, **keys: Any) -> Any:
    """A value of the commands table, as short as it can be."""
    rest = {**{key: value for key, value in keys.items() if value}, **({"help": about} if about else {})}
    main: Any = steps or run
    return {"steps" if steps else "run": main, **rest} if rest else main


def _place(call: ResolvedCall) -> tuple[str, str, str, str, tuple[str, ...]]:
    return call.service, call.mode, call.user, call.workdir, call.env


def _why(node: Node) -> str:
    if isinstance(node, Branch):
        return f"{'an' if node.kind == 'if' else 'a'} {node.kind}"
    name = next((word.assigned or word.bare for word in node.words if word.assigned), "") or node.words[-1].bare
    return f"a variable set in the script (${name})"
