"""The parts of a page of HTML: escaped text, tables, bars, a histogram; no script, and nothing is loaded."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5b6570; --paper: #fff; --line: #d9dee3; --fill: #0b6aa8;
  --other: #c05a00; --shade: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a3adb7; --paper: #14181c; --line: #343c44;
  --fill: #5ab0ea; --other: #f0a04b; --shade: #1d2329; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 62rem; color: var(--ink); background: var(--paper);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK KR", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
p { margin: .4rem 0 .8rem; max-width: 46rem; } .soft, th { color: var(--soft); }
table { border-collapse: collapse; width: 100%; margin: .25rem 0 1rem; font-size: .925rem; }
caption { text-align: left; padding: .3rem 0; } th { font-weight: 500; text-align: left; }
th, td { padding: .28rem 1.1rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.counts { table-layout: fixed; } .counts th:nth-child(2) { width: 18%; } .counts th:nth-child(3) { width: 10%; }
.counts th:last-child { width: 36%; }
.wide { overflow-wrap: anywhere; } .bar { padding-left: 1rem; }
.bar svg { display: block; width: 100%; height: .8rem; margin-top: .4em; }
code, .tokens { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono", monospace; font-size: .85em; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .75rem; margin: 1.5rem 0; }
.tile { background: var(--shade); border-radius: .5rem; padding: .8rem 1rem; }
.tile b { display: block; font-size: 1.45rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.25; }
.sample { border-left: 3px solid var(--fill); padding: .1rem 0 .1rem 1rem; margin: 1rem 0; overflow-wrap: anywhere; }
.sample p { max-width: none; white-space: pre-wrap; margin: .2rem 0 .5rem; }
.tokens { display: block; line-height: 1.9; } .tokens i { font-style: normal; background: var(--shade);
  border: 1px solid var(--line); border-radius: .25rem; padding: .05rem .3rem; margin-right: .2rem; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; } .fill { fill: var(--fill); }
.other { fill: var(--other); } .track { fill: var(--shade); } .axis { stroke: var(--line); }
summary { cursor: pointer; margin: .5rem 0; }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } h2, h3 { break-after: avoid; }
  tr, .sample, .tile, svg { break-inside: avoid; } .tile, .tokens i, .bar svg { print-color-adjust: exact; } }
"""


def escaped(text: object) -> str:
    """Return text as HTML shows it; control characters, which a page cannot show, as their code."""
    shown = "".join(c if c.isprintable() or c in "\n\t\u3000\u00a0" else f"\\u{ord(c):04X}" for c in str(text))
    return html.escape(shown)


def number(value: float) -> str:
    """Return 12,345 for a whole number, 1.25 for another."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def percent(part: float, whole: float) -> str:
    """Return a share such as 12.3 %; an en dash when there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole page. Its policy keeps a browser from loading anything, whatever stands in it."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, kind: str = "") -> str:
    """Return a table. Numbers stand right; a cell that is a `Raw` is HTML already; all other text is escaped."""
    lines = [f"<table{_class(kind)}>"]
    cells = [[_cell(value) for value in row] for row in rows]
    kinds = [where for where, _ in cells[0]] if cells else []
    head = "".join(
        f'<th scope="col"{_class(where)}>{escaped(text)}</th>'
        for text, where in zip(heads, kinds + [""] * len(heads), strict=False)
    )
    lines.append(f"<thead><tr>{head}</tr></thead>\n<tbody>")
    for row in cells:
        lines.append("<tr>" + "".join(f"<td{_class(where)}>{text}</td>" for where, text in row) + "</tr>")
    return "\n".join([*lines, "</tbody>\n</table>"])


class Raw(str):
    """Text that is HTML already."""


class Share(str):
    """Text that stands right, like a number."""


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _cell(value: object) -> tuple[str, str]:
    match value:
        case Raw():
            return "bar", value
        case Share():
            return "n", escaped(value)
        case bool() | str():
            return "wide", escaped(value)
        case int() | float():
            return "n", number(value)
    return "", escaped(value)


def bar(part: float, whole: float, *, kind: str = "fill") -> Raw:
    """Return a bar that shows a share; the number stands in the table beside it."""
    width = min(100.0, 100 * part / whole) if whole else 0.0
    return Raw(
        '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" '
        f'height="8"/><rect class="{kind}" width="{width:.2f}" height="8"/></svg>'
    )


def counts_table(heads: Sequence[str], counts: Mapping[str, int], *, most: int | None = None, whole: int = 0) -> str:
    """Return a table of names and counts with bars, the largest first; shares when `whole` is given."""
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    longest = whole or (rows[0][1] if rows else 0)
    shares = [[Share(percent(n, whole))] if whole else [] for _, n in rows]
    shown = [
        [name, n, *share, bar(n, longest, kind="other" if whole and name != "kept" else "fill")]
        for (name, n), share in zip(rows, shares, strict=True)
    ]
    left = rows[most:] if most is not None else []
    note = f'<p class="soft">and {len(left):,} more, {sum(n for _, n in left):,} times together</p>' if left else ""
    return table([*heads, *(["share"] if whole else []), ""], shown[:most], kind="counts") + note


def histogram(counts: Mapping[int, int], edges: Sequence[int], *, unit: str) -> str:
    """Return a drawing of how often each class occurs.

    Args:
        counts: lower edge of a class -> how often; classes run to the next of `edges`.
        edges: every lower edge there is, growing, from the first class to behind the last.
    """
    width, height, left, bottom = 960, 260, 64, 36
    tallest = max(counts.values(), default=0) or 1
    step = (width - left) / max(len(edges) - 1, 1)
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Kept sequences by {escaped(unit)}">']
    for share in (0.0, 0.5, 1.0):
        y = 12 + (height - bottom - 12) * (1 - share)
        parts.append(f'<line class="axis" x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{round(tallest * share):,}</text>')
    every = -(-len(edges) // 12)
    for place, edge in enumerate(edges[:-1]):
        x, n = left + place * step, counts.get(edge, 0)
        tall = (height - bottom - 12) * n / tallest
        if n:
            said = f"{edge:,} to {edges[place + 1] - 1:,} {escaped(unit)}: {n:,}"
            parts.append(
                f'<rect class="fill" x="{x + 1:.1f}" y="{height - bottom - tall:.1f}" width="{max(step - 2, 1):.1f}" '
                f'height="{tall:.1f}"><title>{said}</title></rect>'
            )
        if place % every == 0:
            parts.append(f'<text x="{x:.1f}" y="{height - bottom + 18}">{edge:,}</text>')
    parts.append(f'<text x="{width}" y="{height - 4}" text-anchor="end">{escaped(unit)}</text></svg>')
    return "\n".join(parts)
