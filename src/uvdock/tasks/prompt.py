"""`completion`: the script that completes uvdock's words in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvdock.cli import completion
from uvdock.errors import UvdockError, nearest
from uvdock.tasks.base import task
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.context import Context


@task(
    "completion",
    answers=True,
    quiet=True,
    values={"shell": completion.SHELLS},
    examples=["completion bash", "completion zsh --inv"],
    help={"shell": "bash, zsh or fish.", "inv": "Complete inv and invoke too."},
)
def completion_script(c: Context, shell: str, inv: bool = False) -> int:  # noqa: ARG001 - Invoke's first argument
    """Print the completion script of a shell, to be read when it starts.

    bash, in ~/.bashrc:                  eval "$(uvdock completion bash)"
    zsh, in ~/.zshrc:                    eval "$(uvdock completion zsh)"
    fish, in ~/.config/fish/config.fish: uvdock completion fish | source
    """
    if shell not in completion.SHELLS:
        raise UvdockError(
            f"there is no completion for {shell}{nearest(shell, list(completion.SHELLS))}",
            where="completion",
            fix=f"name one of these: {', '.join(completion.SHELLS)}",
            code=2,
        )
    console.data(completion.script(shell, inv=inv).rstrip("\n"))
    return 0
