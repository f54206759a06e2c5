"""Every public name is documented, and its examples do what they say."""

import doctest
import importlib
import importlib.util
import inspect
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec

DOCS = Path(__file__).parent.parent / "docs"


def load_reference():
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load_reference()


def public():
    """Every public object by its name, once."""
    found = {}
    for module in reference.MODULES:
        for name in importlib.import_module(module).__all__:
            thing = getattr(importlib.import_module(module), name)
            if all(thing is not other for other in found.values()):
                found[f"{module}.{name}"] = thing
    return found


FUNCTIONS = {name: thing for name, thing in public().items() if inspect.isfunction(thing)}
SLOWEST = {
    "jaxsec.design",
    "jaxsec.secrecy_loss",
    "jaxsec.cdm.design",
    "jaxsec.precoding.ascent",
    "jaxsec.precoding.best_known",
}


def test_the_reference_lists_the_public_names_and_no_others():
    assert (DOCS / "reference.md").read_text() == reference.page(), "python docs/reference.py"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_and_gives(name):
    function = FUNCTIONS[name]
    text = inspect.getdoc(function) or ""
    assert text.partition("\n\n")[0].endswith("."), "the first sentence"
    assert ">>> " in text, "an example"
    gives = inspect.signature(function).return_annotation not in (None, "None")
    assert ("Returns:" in text) == gives
    arguments = [p for p in inspect.signature(function).parameters if p not in ("args", "kwargs")]
    given = text.partition("Args:")[2].partition("Raises:")[0]
    missing = [p for p in arguments if not re.search(rf"\b{p}\b[^:\n]*:", given)]
    assert not missing, f"{missing} are not told of"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.long) if n in SLOWEST else n for n in FUNCTIONS],
)
def test_the_example_of_a_function_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function = FUNCTIONS[name]
    names = {**vars(inspect.getmodule(function)), "jax": jax, "jnp": jnp, "np": np}
    names["jaxsec"] = jaxsec
    text = inspect.getdoc(function) or ""
    example = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    assert example.examples
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    output = []
    runner.run(example, out=output.append)
    assert runner.failures == 0, "".join(output)
