"""A bench as bars: in a terminal, and as an SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from uvdock.bench.figures import Measured

_EIGHTHS = " ▏▎▍▌▋▊▉"
_COLOURS = ("#8a8f98", "#6340ac", "#b9a5e0", "#c9ccd1")
_ROW, _LEFT, _WIDE = 22, 170, 760


def bars(measured: Sequence[Measured], width: int) -> list[str]:
    """Lines for a terminal: each group with a bar for each of its medians, as long as its time.

    Args:
        measured: What was measured.
        width: The terminal's.
    """
    lines: list[str] = []
    for group, members in _grouped(measured).items():
        most = max(item.spread.median for item in members)
        name_width = max(len(item.who) for item in members)
        room = max(width - name_width - 16, 4)
        lines += [*([""] if lines else []), group]
        for item in members:
            share = item.spread.median / most if most else 0
            lines.append(f"  {item.who:<{name_width}} {_bar(share, room)} {seconds(item.spread.median)}")
    return lines


def svg(measured: Sequence[Measured], title: str) -> str:
    """The same as a picture, with the spread of each as a thin line over its bar.

    Args:
        measured: What was measured.
        title: What stands above it.
    """
    parts: list[str] = []
    top = 44
    for group, members in _grouped(measured).items():
        most = max(max(item.spread.high, item.spread.median) for item in members) or 1
        parts.append(f'<text x="16" y="{top + 14}" class="group">{escape(group)}</text>')
        top += _ROW
        for number, item in enumerate(members):
            parts += _svg_row(item, top, (_WIDE - _LEFT - 90) / most, _COLOURS[number % len(_COLOURS)])
            top += _ROW
        top += 10
    style = "text{font:13px sans-serif;fill:#24292f}.group,.title{font-weight:bold}.title{font-size:15px}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{top + 8}" role="img">',
            f"<title>{escape(title)}</title><style>{style}</style>",
            f'<rect width="{_WIDE}" height="{top + 8}" fill="#ffffff"/>',
            f'<text x="16" y="26" class="title">{escape(title)}</text>',
            *parts,
            "</svg>\n",
        ]
    )


def seconds(value: float) -> str:
    """A time as a person reads it."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {value % 60:02.0f} s"


def _svg_row(item: Measured, top: float, scale: float, colour: str) -> list[str]:
    found = item.spread
    length, middle = max(found.median * scale, 1), top + _ROW / 2
    return [
        f'<text x="{_LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(item.who)}</text>',
        f'<rect x="{_LEFT}" y="{top + 3}" width="{length:.1f}" height="{_ROW - 6}" fill="{colour}"/>',
        f'<line x1="{_LEFT + found.low * scale:.1f}" y1="{middle}" x2="{_LEFT + found.high * scale:.1f}" y2="{middle}" '
        'stroke="#24292f"/>',
        f'<text x="{_LEFT + max(length, found.high * scale) + 6:.1f}" y="{top + 15}">{seconds(found.median)}</text>',
    ]


def _bar(share: float, room: int) -> str:
    whole, part = divmod(round(share * room * 8), 8)
    return ("█" * whole + (_EIGHTHS[part] if part else "")) or "▏"


def _grouped(measured: Sequence[Measured]) -> Mapping[str, list[Measured]]:
    groups: dict[str, list[Measured]] = {}
    for item in measured:
        groups.setdefault(item.group, []).append(item)
    return groups
