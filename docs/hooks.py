"""Hooks of the site: formulas become MathML while pages are built, so that none needs a script."""

import html
import re

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
"""What `pymdownx.arithmatex` makes of $…$ and $$…$$."""
CELL = re.compile(r"\$\$((?:[^$])+?)\$\$|(?<![\\$\w])\$([^$\n]+(?:\n[^$\n]+)?)\$(?![\w$])")
"""The same in a notebook's text, which nbconvert leaves as it is."""
CODE = re.compile(
    r"(<pre.*?</pre>|<code.*?</code>|<script.*?</script>|<style.*?</style>)", re.DOTALL
)


def mathml(formula: str, display: str) -> str:
    """One formula of LaTeX as MathML."""
    return convert(html.unescape(formula).strip(), display=display)


def on_page_content(text: str, page, **_) -> str:
    """A page's HTML with formulas that a browser draws by itself."""
    if page.file.src_uri.endswith(".ipynb"):
        parts = CODE.split(text)
        parts[::2] = [CELL.sub(_cell, part) for part in parts[::2]]
        return "".join(parts)
    return FORMULA.sub(
        lambda found: mathml(found[3], "block" if found[2] == "[" else "inline"), text
    )


def _cell(found: re.Match[str]) -> str:
    return mathml(found[1], "block") if found[1] else mathml(found[2], "inline")
