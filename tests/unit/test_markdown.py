"""The code blocks of documents: what is one, and what is not."""

from __future__ import annotations

import pytest

from uvdock.formats.markdown import CodeBlock, markdown, restructured


def read(content: str, blocks: list[CodeBlock]) -> list[tuple[str, str]]:
    return [(block.language, content[block.start : block.end]) for block in blocks]


@pytest.mark.parametrize(
    ("content", "blocks"),
    [
        pytest.param("a\n```sh\nb\n```\n", [("sh", "b\n")], id="fence"),
        pytest.param("```\nb\n~~~\n````\nc\n", [("", "b\n~~~\n")], id="longer-end"),
        pytest.param("~~~ Bash title\n```sh\nb\n```\n~~~\n", [("bash", "```sh\nb\n```\n")], id="fence-in-a-fence"),
        pytest.param("- a\n\n    ```sh\n    b\n    ```\n", [("sh", "    b\n")], id="fence-in-a-list"),
        pytest.param("> ```sh\n> b\n> ```\n", [], id="quoted"),
        pytest.param("```sh\nb\n\n    c\n", [], id="no-end"),
        pytest.param("a\n\n    b\n\n    c\n\nd\n", [("", "    b\n\n    c\n")], id="indented"),
        pytest.param("\tb\n", [("", "\tb\n")], id="indented-at-the-start"),
        pytest.param("a\n    b\n", [], id="paragraph-that-goes-on"),
        pytest.param("1. a\n\n    b\n", [], id="in-a-list"),
        pytest.param("- a\n  a\n\n    b\n", [], id="in-an-item-of-two-lines"),
        pytest.param("- a\n\nc\n\n    b\n", [("", "    b\n")], id="below-a-list"),
        pytest.param("    a\n\n```sh\nb\n```\n", [("", "    a\n"), ("sh", "b\n")], id="both"),
    ],
)
def test_markdown(content: str, blocks: list[tuple[str, str]]) -> None:
    assert read(content, markdown(content)) == blocks


@pytest.mark.parametrize(
    ("content", "blocks"),
    [
        pytest.param(".. code-block:: Bash\n\n  b\n\nc\n", [("bash", "\n  b\n\n")], id="directive"),
        pytest.param("a::\n\n  b\n", [("", "\n  b\n")], id="literal"),
        pytest.param(".. code:: python\n\n  b::\n\n    c\n", [("python", "\n  b::\n\n    c\n")], id="inside"),
        pytest.param(".. note::\n\n  b\n", [], id="other-directive"),
        pytest.param("a::\nb\n", [], id="nothing-below"),
    ],
)
def test_restructured(content: str, blocks: list[tuple[str, str]]) -> None:
    assert read(content, restructured(content)) == blocks
