"""What a person sees of a build that failed."""

from __future__ import annotations

from uvdock.ui import buildkit

OUTPUT = """\
#1 [internal] load build definition from Dockerfile
#1 DONE 0.1s

#6 [base 2/2] RUN echo fine
#6 0.228 fine
#6 DONE 0.3s

#7 [web 1/2] RUN make
#7 0.330 one
#8 [worker 1/2] RUN sleep 9
#7 0.331 one
#7 0.332 two
#7 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 3
#8 CANCELED
------
 > [web 1/2] RUN make:
0.332 two
------
Dockerfile:4
--------------------
   4 | >>> RUN make

--------------------
failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 3
"""


def test_all_of_the_step_that_failed_and_its_place() -> None:
    assert buildkit.failing(OUTPUT.splitlines()) == [
        "[web 1/2] RUN make",
        "one",
        "one",
        "two",
        'ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 3',
        "Dockerfile:4",
        "--------------------",
        "   4 | >>> RUN make",
        "--------------------",
        'failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 3',
    ]


def test_of_what_is_no_build_or_failed_before_a_step_everything() -> None:
    for text in ("error: no solution\n  cause: a\n", "#1 [internal] load\n\nfailed to solve: no such file\n", ""):
        assert buildkit.failing(text.splitlines()) == text.splitlines()


def test_an_error_without_an_excerpt_is_kept() -> None:
    lines = ["#3 [internal] load metadata", "#3 ERROR: not found", "", "failed to solve: not found"]
    assert buildkit.failing(lines) == ["[internal] load metadata", "ERROR: not found", "failed to solve: not found"]
