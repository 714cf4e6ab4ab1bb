"""Bar charts as SVG, without anything but text."""

from xml.sax.saxutils import escape

COLOURS = ("#3b6ea8", "#7a9a3a", "#c8803a", "#8a5aa0", "#999999", "#bbbbbb", "#444444")
WIDTH, LEFT, RIGHT, BAR, GAP = 860, 250, 110, 14, 12


def bar_chart(title, unit, groups, highlighted):
    """`groups`: [(label, [(series, value or None)])]. The series `highlighted` has the strong colour;
    bars of one group share its scale, since groups are not to be compared with each other."""
    series = list(dict.fromkeys(name for _, bars in groups for name, _ in bars))
    order = [highlighted] + [name for name in series if name != highlighted]
    colour = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(order)}
    parts, y = [], 58
    for i, name in enumerate(series):
        x = 12 + i * (WIDTH - 24) // len(series)
        parts.append(f'<rect x="{x}" y="34" width="10" height="10" fill="{colour[name]}"/>'
                     f'<text x="{x + 14}" y="43">{escape(name)}</text>')
    for label, bars in groups:
        top = max((value for _, value in bars if value is not None), default=0) or 1
        middle = y + BAR * len(bars) / 2 + 4
        parts.append(f'<text x="{LEFT - 8}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>')
        for name, value in bars:
            length = (WIDTH - LEFT - RIGHT) * (value or 0) / top
            text = "–" if value is None else f"{value:,.{0 if value >= 100 else 1}f}"
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 3}" '
                         f'fill="{colour[name]}"/>'
                         f'<text x="{LEFT + length + 4:.1f}" y="{y + BAR - 5}">{text}</text>')
            y += BAR
        y += GAP
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
            f'font-family="sans-serif" font-size="11">\n<rect width="{WIDTH}" height="{y}" '
            f'fill="#ffffff"/>\n<text x="12" y="20" font-size="14">{escape(title)} ({escape(unit)})'
            "</text>\n" + "\n".join(parts) + "\n</svg>\n")
