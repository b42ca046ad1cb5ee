"""A bench's numbers, what it says of promises, and its bars."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.bench import figures, images
from uvdock.bench.chart import bars, seconds, svg
from uvdock.bench.figures import COLD, ENVIRONMENT, NO_CACHE, WARM, Measured, faster, to_json, verdicts
from uvdock.engine.stack import Service

MEASURED = [
    Measured(COLD, "pip", 20.0, (10.0, 12.0, 11.0)),
    Measured(COLD, "uv", 9.0, (1.0, 1.2, 1.1), "every run fetches"),
    Measured(WARM, "pip", 8.0, (8.0,)),
    Measured(WARM, "uv", 1.0, (0.4,)),
    Measured(NO_CACHE, "before", 99.0, (10.0, 10.0)),
    Measured(NO_CACHE, "after", 99.0, (20.0, 20.0)),
]


def test_each_promise_is_kept_or_not_or_not_looked_at() -> None:
    found = {item.promise.name: (item.factor, item.kept) for item in verdicts(MEASURED)}
    assert found == {
        "install, empty cache": (10.0, True),
        "install, filled cache": (20.0, False),
        "making an environment": (None, None),
        "image builds": (0.5, False),
    }


@pytest.mark.parametrize(
    ("group", "slow", "fast", "expected"),
    [
        pytest.param(WARM, ("pip", 80.0), ("uv", 1.0), "80.0 times faster here: yes", id="just"),
        pytest.param(WARM, ("pip", 79.9), ("uv", 1.0), "79.9 times faster here: no", id="just-not"),
        pytest.param(ENVIRONMENT, ("venv", 1.0), ("uv", 4.0), "4.0 times slower here: no", id="slower"),
        pytest.param(NO_CACHE, ("before", 10.0), ("after", 3.0), "3.3 times faster here: yes", id="70-percent"),
        pytest.param(NO_CACHE, ("before", 10.0), ("image", 3.0), "not measured here", id="nothing-to-compare"),
    ],
)
def test_a_verdict_in_words(group: str, slow: tuple[str, float], fast: tuple[str, float], expected: str) -> None:
    measured = [Measured(group, who, 0.0, (value,)) for who, value in (slow, fast)]
    (found,) = [item for item in verdicts(measured) if item.promise.group == group]
    assert found.text.endswith(expected)


def test_the_first_run_is_apart() -> None:
    assert MEASURED[0].spread == figures.Spread(11.0, 10.0, 12.0, 3)
    assert [faster(MEASURED, item) for item in MEASURED] == ["", "10×", "", "20×", "", "0.5×"]


def test_everything_is_in_the_json() -> None:
    data = json.loads(json.dumps(to_json(MEASURED, {"cores": "2"}, {"pip": 5})))
    assert [(item["group"], item["who"], item["median"]) for item in data["measured"]] == [
        (item.group, item.who, item.spread.median) for item in MEASURED
    ]
    assert data["measured"][1] | {"median": 0} == {
        "group": COLD,
        "who": "uv",
        "first": 9.0,
        "seconds": [1.0, 1.2, 1.1],
        "median": 0,
        "low": 1.0,
        "high": 1.2,
        "remark": "every run fetches",
    }
    assert data["facts"] == {"cores": "2"}
    assert data["fetched_bytes"] == {"pip": 5}
    assert [item["kept"] for item in data["promises"]] == [True, False, None, False]


@given(st.lists(st.floats(0.0, 5000.0), min_size=1, max_size=5), st.integers(1, 200))
def test_bars_are_as_long_as_their_times_and_no_wider_than_the_terminal(values: list[float], width: int) -> None:
    measured = [Measured(COLD, f"w{number}", 0.0, (value,)) for number, value in enumerate(values)]
    heading, *lines = bars(measured, width)
    assert heading == COLD
    assert len(lines) == len(values)
    lengths = [len(re.sub("[^█]", "", line)) for line in lines]
    assert all(len(line) <= max(width, 24) for line in lines)
    pairs = sorted(zip(values, lengths, strict=True))
    assert [length for _, length in pairs] == sorted(lengths)


def test_the_picture_is_one_and_shows_every_bar() -> None:
    found = ET.fromstring(svg([*MEASURED, Measured("<&>", 'a"b', 1.0, (2.0,))], "mine & <yours>"))
    space = "{http://www.w3.org/2000/svg}"
    texts = [item.text for item in found.iter(f"{space}text")]
    assert "mine & <yours>" in texts
    assert {"<&>", 'a"b', COLD, "11.0 s", "400 ms"} <= set(texts)
    widths = [float(item.get("width", "")) for item in found.iter(f"{space}rect")][1:]
    assert len(widths) == len(MEASURED) + 1
    assert widths[1] / widths[0] == pytest.approx(0.1, rel=0.01)
    assert max(widths) < float(found.get("width", ""))


@pytest.mark.parametrize(("value", "expected"), [(0.0214, "21 ms"), (1.25, "1.2 s"), (61.0, "1 min 01 s")])
def test_times(value: float, expected: str) -> None:
    assert seconds(value) == expected


@pytest.mark.parametrize(
    ("files", "dockerfile", "expected"),
    [
        pytest.param({"pyproject.toml": "", "uv.lock": ""}, "COPY requirements.txt .", "pyproject.toml", id="uv"),
        pytest.param(
            {"requirements.txt": "", "pyproject.toml": ""}, "COPY requirements.txt .", "requirements.txt", id="pip"
        ),
        pytest.param(
            {"requirements/dev.txt": ""}, "RUN pip install -r requirements/dev.txt", "requirements/dev.txt", id="folder"
        ),
        pytest.param({"requirements.txt": ""}, "RUN pip install flask", None, id="not-installed"),
        pytest.param({}, "COPY requirements.txt .", None, id="not-there"),
    ],
)
def test_what_makes_a_build_install_again(
    tmp_path: Path, files: dict[str, str], dockerfile: str, expected: str | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    service = Service("web", "web", {"build": {"context": str(tmp_path), "dockerfile_inline": dockerfile}})
    found = images.find_manifest(tmp_path, tmp_path, service)
    assert (None if found is None else found.relative_to(tmp_path).as_posix()) == expected


def test_a_changed_dependency_is_never_what_an_earlier_build_has_seen(tmp_path: Path) -> None:
    manifest = tmp_path / "requirements.txt"
    manifest.write_text("iniconfig==2.0\nflask")
    images.add_dependency(manifest, None)
    first = manifest.read_text()
    assert first.startswith("iniconfig==2.0\nflask\nsix\n# ")
    manifest.write_text("iniconfig==2.0\nflask")
    images.add_dependency(manifest, None)
    assert manifest.read_text() != first
