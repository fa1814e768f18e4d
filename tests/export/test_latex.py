"""The printed model: nothing lost, nothing unbalanced, nothing from outside."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from gutbrain.body.vagus import Vagus
from gutbrain.body.whole import standard
from gutbrain.errors import InputError
from gutbrain.export.content import content, lowest
from gutbrain.export.formula import (
    Bracket,
    Cases,
    Fraction,
    Gap,
    Root,
    Scripted,
    Sign,
    Word,
    parse,
    to_latex,
    to_mathml,
)
from gutbrain.export.formula_lines import lines, named_parts, width
from gutbrain.export.html import html_text
from gutbrain.export.latex import escaped, latex_text, write_latex
from gutbrain.model.axis import Axis
from gutbrain.model.symbols import equations
from gutbrain.plan import read_plan

ROOM = 92.0
MACROS = frozenset(
    re.findall(
        r"\w+",
        """
    documentclass usepackage setlength allowdisplaybreaks raggedbottom title author date begin end maketitle
    section subsection tableofcontents textbf emph footnotesize toprule midrule bottomrule endhead endfoot
    tabularnewline raggedright item hypertarget hyperlink text frac left right sum max min log exp cos sin tanh
    bmod cdot pi sigma qquad phantom bigl bigr sqrt textwidth oddsidemargin textheight topmargin parindent
    parskip mathindent tabcolsep emergencystretch textasciitilde textasciicircum textbackslash allowbreak times
    div pm mu alpha beta gamma kappa Delta omega geq leq approx to circ
    """,
    )
)


@pytest.fixture(scope="module")
def document():
    return latex_text(standard(), "The standard axis", read_plan("mbsr"))


@pytest.fixture(scope="module")
def page():
    return html_text(standard(), "The <standard> axis", read_plan("mbsr"))


@pytest.fixture(scope="module")
def printed():
    return equations(standard())


def leaves(nodes):
    """The words, numbers and names of a formula in order, brackets and spaces aside."""
    for node in nodes:
        if isinstance(node, Word) or (isinstance(node, Sign) and re.fullmatch(r"[\w.]+", node.text)):
            yield node.text
        elif isinstance(node, Scripted):
            yield from leaves((node.base, *node.below, *node.above))
        elif isinstance(node, Fraction):
            yield from leaves((*node.over, *node.under))
        elif isinstance(node, Bracket | Root):
            yield from leaves(node.inner)
        elif isinstance(node, Cases):
            for value, when in node.rows:
                yield from leaves((*value, *when))


def test_every_equation_is_written_as_it_is_printed(printed):
    for text in printed:
        for latex in (text.left, text.latex):
            nodes = parse(latex)
            words = [word.strip() for word in re.findall(r"\\text\{([^{}]*)\}", latex)]
            assert [one for one in leaves(nodes) if one in words] == [one for one in words if one != "for"]
            again = to_latex(nodes)
            for sign in (r"\frac", r"\max", r"\log", r"\sum", "+", "-", "^", "_"):
                lost = latex.count("e^{") - again.count("e^{") if sign == "^" else 0  # e to a long power is exp()
                assert again.count(sign) == latex.count(sign) - lost, (text.name, sign)


def test_lines_fit_and_lose_nothing(printed):
    for text in printed:
        nodes = parse(text.latex)
        broken = lines(nodes, ROOM)
        said = [leaf for line in broken for leaf in leaves(line) if leaf != "if"]
        assert said == [leaf for leaf in leaves(nodes) if leaf != "if"], text.name
        if len(named_parts(nodes)[1]) == 0:
            assert max(map(width, broken)) <= ROOM * 1.15, text.name


def test_named_parts_stand_for_what_they_replace(printed):
    text = next(text for text in printed if text.name == "hydrogen_turnover")
    nodes = parse(text.latex)
    whole, parts = named_parts(nodes)
    assert len(parts) > 2 and width(whole) < width(nodes) / 4
    before = list(leaves(nodes))
    names = {str(name.below[0].text): part for name, part in parts}

    def opened(nodes):
        for node in nodes:
            if isinstance(node, Scripted) and node.base == Sign("x"):
                yield from opened(names[node.below[0].text])
            elif isinstance(node, Scripted):
                yield from opened((node.base, *node.below, *node.above))
            elif isinstance(node, Fraction):
                yield from opened((*node.over, *node.under))
            elif isinstance(node, Bracket | Root):
                yield from opened(node.inner)
            elif isinstance(node, Cases):
                for value, when in node.rows:
                    yield from opened((*value, *when))
            else:
                yield from leaves((node,))

    assert list(opened(whole)) == before


def test_arguments_of_a_function_get_no_name():
    pair = Bracket((Word("a rather long quantity"), Sign(","), Word("another quantity")))
    nodes = (Sign("max", r"\max"), pair, Sign("+"), Sign("min", r"\min"), pair) * 3
    assert named_parts(nodes) == (nodes, [])


@pytest.mark.parametrize("wrong", [r"\frac{a}{b", r"\left(a + b", r"a}", r"\unknown{a}", r"\begin{cases} a & b"])
def test_what_the_printer_does_not_write_is_refused(wrong):
    with pytest.raises(InputError):
        parse(wrong)


def test_document_is_balanced_and_plain(document):
    depth, stack = 0, []
    for token in re.findall(r"\\begin\{\w+\*?\}|\\end\{\w+\*?\}|\\.|[{}]", document, re.DOTALL):
        if token.startswith(r"\begin{"):
            stack.append(token[7:-1])
        elif token.startswith(r"\end{"):
            assert stack.pop() == token[5:-1]
        else:
            depth += {"{": 1, "}": -1}.get(token, 0)
            assert depth >= 0
    assert depth == 0 and stack == []
    packages = set(re.findall(r"\\usepackage(?:\[\w+\])?\{(\w+)\}", document))
    assert packages == {"amsmath", "longtable", "booktabs", "hyperref"}
    assert set(re.findall(r"\\([a-zA-Z]+)", document)) <= MACROS
    assert document.count(r"\left(") == document.count(r"\right)")


def test_document_names_everything(document):
    axis = standard()
    for name in axis.parameters:
        assert escaped(name.partition(".")[2]) in document
    for wire in axis.edges:
        assert escaped(wire.signal) in document
    found = content(axis, "t", read_plan("mbsr"))
    rows = [row for part in found.parts for rows in part.tables if rows.caption == "Parameters" for row in rows.rows]
    assert len(rows) == len(axis.parameters)
    for row, param in zip(rows, axis.parameters.values(), strict=True):
        assert ("no source" in row[5]) == (param.source == "assumed")
    assert all(r"\hypertarget{" + key + "}" in document for key, _ in found.references)
    assert set(re.findall(r"\\hyperlink\{(\w+)\}", document)) <= {key for key, _ in found.references}
    assert r"protocol.\allowbreak{}practice\_\allowbreak{}assigned" in document  # an act of the plan


def test_certainty_of_a_table_is_its_lowest():
    assert lowest(["measured", "recalled", "fitted"]).startswith("Lowest certainty in this table: recalled")
    assert "assumed (2 of 3 rows)" in lowest(["assumed", "measured (mouse)", "assumed"])
    assert lowest([]) == ""


def test_writing_twice_gives_the_same_file_and_needs_force(tmp_path):
    out = tmp_path / "new" / "model.tex"
    axis = Axis(Vagus(), name="vagus")
    write_latex(axis, out, "50 % & more_")
    first = out.read_bytes()
    assert rb"\title{50 \% \& more\_" in first
    with pytest.raises(InputError, match="exists already"):
        write_latex(axis, out, "other")
    assert out.read_bytes() == first
    write_latex(axis, out, "50 % & more_", force=True)
    assert out.read_bytes() == first and [path.name for path in out.parent.iterdir()] == ["model.tex"]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_document_compiles(document, tmp_path):
    (tmp_path / "model.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "model.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    if "not found" in done.stdout and ".sty" in done.stdout:
        pytest.skip("a LaTeX package is not installed")
    assert done.returncode == 0, done.stdout[-600:]
    assert max(map(float, re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)), default=0) < 10


def test_page_is_whole_and_asks_nobody(page, printed):
    assert "default-src 'none'" in page and "<title>The &lt;standard&gt; axis</title>" in page
    assert not re.search(r"(src|href)=[\"'](?!#)", page) and "http" not in page.replace("http-equiv", "")
    formulas = re.findall(r"<math.*?</math>", page)
    assert len(formulas) == len(printed)
    for formula in formulas:
        ElementTree.fromstring(formula.replace("&#160;", " "))
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    rows = page.partition('id="parameters"')[2].partition("</table>")[0].count("<tr>")
    assert rows == len(standard().parameters) + 1


def test_mathml_says_what_latex_says():
    left = r"\frac{d\,\text{acth}}{dt}"
    right = r"\text{a}_{\text{x},\,\text{y}}\,\left(1 - e^{- \text{k}\,\text{t}}\right)^{2}"
    nodes = parse(f"{left} = {right}")
    tree = ElementTree.fromstring(f"<math>{to_mathml(nodes)}</math>")
    assert [one.text for one in tree.iter("mtext")] == ["acth", "a", "x", "y", "k", "t"]
    assert "".join(one.text for one in tree.iter("mo")) == "=,·(−(−·))" and Gap(times=True) in nodes
    assert tree.find("mfrac") is not None and tree.find("msup") is not None
