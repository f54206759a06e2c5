"""Examples and shapes as the site shows them, for the reader of sources that it uses (griffe)."""

import ast
import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)
"""From a prompt to the next empty line."""


class Examples(griffe.Extension):
    """Fences examples, before Markdown takes their prompts for quotations."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub("```pycon\n\\g<0>\n```", obj.docstring.value)


class Shapes(griffe.Extension):
    """Leaves jaxtyping's shapes as they are written: "n *rest" is no product, nor "n" a name."""

    def on_function_instance(self, *, node: Any, func: griffe.Function, **_: Any) -> None:
        if not isinstance(node, ast.FunctionDef):
            return
        given = node.args
        for argument in [*given.posonlyargs, *given.args, *given.kwonlyargs]:
            if _has_shape(argument.annotation):
                func.parameters[argument.arg].annotation = ast.unparse(argument.annotation)
        if _has_shape(node.returns):
            func.returns = ast.unparse(node.returns)

    def on_attribute_instance(self, *, node: Any, attr: griffe.Attribute, **_: Any) -> None:
        if isinstance(node, ast.AnnAssign) and _has_shape(node.annotation):
            attr.annotation = ast.unparse(node.annotation)


def _has_shape(annotation: ast.expr | None) -> bool:
    inner = ast.walk(annotation) if annotation is not None else ()
    return any(isinstance(x, ast.Constant) and isinstance(x.value, str) for x in inner)
