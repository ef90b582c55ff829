"""The page of compare_positions.py: the figures as a table in Markdown, and as plots and a table in
HTML. The plots are SVG without scripts; each mark tells its figures under the mouse.
"""
import math
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

TITLE = "Position encodings compared"
MARKERS = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-4-4h8v8h-8z", "M0-5L5 4H-5z",
           "M0-5.5L5.5 0 0 5.5-5.5 0z", "M0 5L5-4H-5z", "M-5-4L5 4V-4L-5 4z", "M-4-5H4L-4 5H4z",
           "M-1.5-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z"]
STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1d2125; --faint: #d5d9de; --seen: #eef3f8;
  --c0: #0072b2; --c1: #d55e00; --c2: #00845f; --c3: #b8478a; --c4: #9a6f00; --c5: #5a43b5;
  --c6: #7a4318; --c7: #5c6166 }
@media (prefers-color-scheme: dark) { :root { --page: #15181b; --text: #e4e7ea; --faint: #3a4046;
  --seen: #1e252d; --c0: #56b4e9; --c1: #ff8a45; --c2: #2fd0a0; --c3: #ec9ccb; --c4: #eac54a;
  --c5: #b3a0f7; --c6: #c99a70; --c7: #b4b9be } }
body { background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
  max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { line-height: 1.2 } figure { margin: 2.5rem 0 } figcaption { margin-bottom: .5rem }
.wide { overflow-x: auto } svg { display: block; width: 100%; min-width: 44rem;
  max-width: 62rem }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums }
td, th { border-bottom: 1px solid var(--faint); padding: .3rem .45rem; text-align: right }
td { white-space: nowrap } th { vertical-align: bottom } td:first-child { position: sticky; left: 0;
  background: var(--page) } td:first-child, th:first-child { text-align: left }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font-size: .9rem }
dd { margin: 0; overflow-wrap: anywhere } svg text { font-size: 13px; fill: var(--text) }
.grid { stroke: var(--faint) } .seen { fill: var(--seen) } svg text.name { fill: var(--c) }
.line { fill: none; stroke: var(--c); stroke-width: 2 } .variant .line { stroke-dasharray: 6 4 }
.interval { stroke: var(--c); stroke-width: 1.2; opacity: .65 } .lead { stroke: var(--c);
  opacity: .5 } .mark { fill: var(--c); stroke: var(--c); stroke-width: 1.5 }
.variant .mark { fill: var(--page) }
""" + "\n".join(f".look{i} {{ --c: var(--c{i}) }}" for i in range(8)) + "\n"


class Look(NamedTuple):
    """How an encoding appears: marker is an index into MARKERS and the colours of STYLE; a variant
    of another encoding is drawn dashed and hollow."""
    label: str
    marker: int
    variant: bool = False


@dataclass
class Content:
    """What the page shows. A training is a dict with a name, an encoding, a width and steps; its
    result has, besides, what was measured. A group of sentences is told by its name."""
    about: dict  # Facts, by name: sentences.
    looks: dict  # By encoding.
    counts: dict  # Sentences in the test set, by group, in the order of the table.
    buckets: list  # The groups that the first plot has as columns: those by length.
    seen: int  # So many of them, the first ones, have lengths that training saw.
    width_groups: dict  # The groups whose scores are drawn by width: what they are, in words.
    trainings: list
    first: list  # The trainings that are drawn by length,
    second: list  # and those that are drawn by width. A training may be in both.
    results: dict  # By the name of the training; some may be missing.


def interval(score):
    """Its ends, which a bootstrap's normal approximation may put below 0."""
    return max(0, score["mean"] - score["interval"]), score["mean"] + score["interval"]


def figure(score):
    return f"{score['bleu']:.1f} ± {score['interval']:.1f}" if score else "–"


def scale(scores, start, end):
    """A function from BLEU to pixels, and the round numbers for the axis."""
    low, high = min(interval(s)[0] for s in scores), max(interval(s)[1] for s in scores)
    steps = [digit * 10.0**power for power in range(-1, 3) for digit in (1, 2, 5)]
    step = next(step for step in steps if step >= (high - low) / 7)
    first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1)
    ticks = [i * step for i in range(first, last + 1)]
    return lambda x: start + (x - ticks[0]) / (ticks[-1] - ticks[0]) * (end - start), ticks


def spread(wanted, gap, bottom):
    """Heights near the wanted ones that leave each label a line of its own."""
    order, result, last = sorted(range(len(wanted)), key=wanted.__getitem__), list(wanted), -gap
    for rank, i in enumerate(order, 1):
        last = min(max(wanted[i], last + gap), bottom - (len(order) - rank) * gap)
        result[i] = last
    return result


def text_at(x, y, text, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(text)}</text>'


def style_of(look):
    return f'class="look{look.marker}{" variant" if look.variant else ""}"'


def mark(look, score, place, where):
    """A point with its interval; place gives the pixels of a BLEU."""
    (x, y), (x1, y1), (x2, y2) = map(place, (score["bleu"], *interval(score)))
    return (f"<g><title>{look.label}, {where}: {figure(score)} BLEU</title>"
            f'<line class="interval" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
            f'<path class="mark" transform="translate({x:.1f} {y:.1f})" '
            f'd="{MARKERS[look.marker]}"/></g>')


def line_plot(columns, lines, title, seen=0):
    """BLEU over columns, a line for each look; the first columns are shaded as seen."""
    left, right, top, bottom = 60, 700, 30, 400
    y_of, ticks = scale([s for _, scores in lines for s in scores if s], bottom, top)
    width = (right - left) / len(columns)
    parts = [f'<rect class="seen" x="{left}" y="{top}" width="{seen * width}" height="370"/>',
             text_at(left + 8, top + 18, "lengths that training saw", "start")] if seen else []
    for tick in ticks:
        parts += [f'<path class="grid" d="M{left} {y_of(tick):.1f}H{right}"/>',
                  text_at(left - 8, y_of(tick) + 4, f"{tick:g}", "end")]
    parts += [text_at(left + (i + .5) * width, bottom + 20 + 18 * j, words)
              for i, column in enumerate(columns) for j, words in enumerate(column)]
    height = bottom + 30 + 18 * len(columns[0])
    parts += [text_at((left + right) / 2, height, title), text_at(left - 8, 16, "BLEU", "end")]
    ends = []
    for number, (look, scores) in enumerate(lines):
        # Side by side within a column, the intervals stay apart.
        shift = (number - (len(lines) - 1) / 2) * min(10, .7 * width / len(lines))
        points = [(left + (i + .5) * width + shift, score, columns[i][0])
                  for i, score in enumerate(scores) if score]
        path = "L".join(f"{x:.1f} {y_of(score['bleu']):.1f}" for x, score, _ in points)
        parts += [f'<g {style_of(look)}><path class="line" d="M{path}"/>',
                  *(mark(look, score, lambda bleu, x=x: (x, y_of(bleu)), f"{column} {title}")
                    for x, score, column in points), "</g>"]
        ends.append((points[-1][0], y_of(points[-1][1]["bleu"])))
    for (look, _), (x, y), y2 in zip(lines, ends, spread([y for _, y in ends], 17, bottom)):
        parts += [f'<g {style_of(look)}><path class="lead" d="M{x + 7:.1f} {y:.1f}L710 {y2:.1f}"/>',
                  text_at(714, y2 + 4, look.label, "start", 'class="name"'), "</g>"]
    return svg(height + 10, title, parts)


def dot_plot(lines, title):
    """The best encoding first."""
    lines = sorted(lines, key=lambda line: -line[1]["bleu"])
    left, right, bottom = 200, 760, 20 + 30 * len(lines)
    x_of, ticks = scale([score for _, score in lines], left, right)
    parts = [text_at((left + right) / 2, bottom + 44, title)]
    for tick in ticks:
        parts += [f'<path class="grid" d="M{x_of(tick):.1f} 10V{bottom}"/>',
                  text_at(x_of(tick), bottom + 20, f"{tick:g}")]
    for y, (look, score) in zip(range(30, bottom, 30), lines):
        parts += [f"<g {style_of(look)}>",
                  text_at(left - 14, y + 4, look.label, "end", 'class="name"'),
                  mark(look, score, lambda bleu, y=y: (x_of(bleu), y), "all sentences"), "</g>",
                  text_at(right + 14, y + 4, figure(score), "start")]
    return svg(bottom + 50, title, parts)


def svg(height, title, parts):
    return (f'<div class="wide"><svg viewBox="0 0 890 {height}" role="img" '
            f'aria-label="BLEU: {title}">\n' + "\n".join(parts) + "\n</svg></div>")


def plots(content):
    """A heading, a sentence and a drawing for each part that has results."""
    looks, results, result = content.looks, content.results, []
    first = [t for t in content.first if t["name"] in results]
    if first:
        about = (f"d_model {first[0]['width']}, {first[0]['steps']:,} steps. "
                 "Bars are 95% intervals.")
        lines = [(looks[t["encoding"]], results[t["name"]]["scores"]) for t in first]
        columns = [(group, f"{content.counts[group]:,} sentences") for group in content.buckets]
        result = [("BLEU by the length of the source", about, line_plot(
                       columns, [(look, list(map(scores.get, content.buckets)))
                                 for look, scores in lines],
                       "tokens in the source sentence", content.seen)),
                  ("BLEU of the whole test set", about, dot_plot(
                      [(look, scores["all"]) for look, scores in lines], "BLEU"))]
    widths = list(dict.fromkeys(t["width"] for t in content.second))
    for group, words in content.width_groups.items():
        lines = {}
        for t in content.second:  # By width, then by encoding.
            scores = results.get(t["name"], {}).get("scores", {})
            lines.setdefault(looks[t["encoding"]], []).append(scores.get(group))
        lines = [(look, scores) for look, scores in lines.items() if any(scores)]
        if lines:
            result.append((f"BLEU by d_model, {words}",
                           f"{content.second[0]['steps']:,} steps. Bars are 95% intervals.",
                           line_plot([(str(width),) for width in widths], lines, "d_model")))
    return result


def table(content):
    """The rows of the table, the heading first."""
    heading = ["encoding", "d_model", "steps", "weights added", "training, seconds",
               "target tokens/s", "loss"]
    rows = [heading + [f"BLEU {group} ({count:,})" for group, count in content.counts.items()]]
    # What has no weights of its own tells how many an encoding adds.
    plain = {r["width"]: r["weights"] for r in content.results.values()
             if r["encoding"] in ("sinusoidal", "sinusoidal_shift", "none")}
    for training in content.trainings:
        r = content.results.get(training["name"])
        if r is None:
            continue
        added = f"{r['weights'] - plain[r['width']]:,}" if r["width"] in plain else "–"
        rows.append([content.looks[r["encoding"]].label, f"{r['width']}", f"{r['steps']:,}", added,
                     f"{r['seconds']:,.0f}", f"{r['tokens_per_second']:,.0f}", f"{r['loss']:.3f}",
                     *(figure(r["scores"].get(group)) for group in content.counts)])
    return rows


def markdown(content):
    about = [f"- {name}: `{text}`" if name == "Command" else f"- {name}: {text}"
             for name, text in content.about.items()]
    heading, *rows = table(content)
    cells = [heading, ["---"] * len(heading), *rows]
    return "\n".join([f"# {TITLE}", "", *about, "",
                      *("| " + " | ".join(row) + " |" for row in cells)]) + "\n"


def html_row(row, tag):
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"


def html(content):
    heading, *rows = table(content)
    return "\n".join([
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{TITLE}</title><style>{STYLE}</style></head><body><h1>{TITLE}</h1><dl>",
        *(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in content.about.items()),
        "</dl>",
        *(f"<figure><figcaption><b>{name}.</b> {words}</figcaption>{drawing}</figure>"
          for name, words, drawing in plots(content)),
        '<h2>All figures</h2><div class="wide"><table><thead>', html_row(heading, "th"),
        "</thead><tbody>", *(html_row(row, "td") for row in rows),
        "</tbody></table></div></body></html>\n"])
