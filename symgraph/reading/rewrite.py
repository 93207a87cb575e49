"""Functions of our modules, written anew so that they run on nodes.

Our modules write into arrays, and such a statement is what a node cannot do: it becomes one that
binds the name to the changed array. That is right where nothing else reads the memory afterwards
that was written to, which holds for what we emit, and is checked here because files get edited.
Loops and branches become functions, which `symgraph.reading.statements` hands to the operations
that they were emitted from.
"""

from __future__ import annotations

import ast
import linecache
from collections import Counter
from collections.abc import Iterable, Sequence
from types import FunctionType
from typing import Any

from symgraph.emit.document import SIGNATURE
from symgraph.emit.names import Names
from symgraph.errors import Location, UnsupportedError
from symgraph.reading import statements
from symgraph.reading.aliases import check_writes
from symgraph.reading.forms import form_of
from symgraph.reading.statements import OPERATORS

__all__ = ["rewritten"]

_SCALARS = {
    *("bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128", "longdouble", "clongdouble"),
}


def rewritten(function: FunctionType, space: dict[str, Any]) -> FunctionType | None:
    """A function of one of our modules as one that runs on nodes.

    Parameters
    ----------
    function : function
    space : dict
        The globals for it.

    Returns
    -------
    function or None
        ``None`` if there is no source to read.

    Raises
    ------
    UnsupportedError
        If the source has statements that we do not write.
    """
    code = function.__code__
    definition = _definition(code.co_filename, function.__name__, code.co_firstlineno)
    if definition is None:
        return None
    check_writes(definition, code.co_filename)
    names = Names({n.id for n in ast.walk(definition) if isinstance(n, ast.Name)})
    prefix = names.fresh("reading")
    definition = _Rewriter(definition, code.co_filename, names, prefix).function()
    module = ast.Module([definition], [])
    space[prefix] = statements
    found: dict[str, Any] = {}
    # In a module's scope the definition would take the place of what `space` looks up.
    exec(compile(ast.fix_missing_locations(module), code.co_filename, "exec"), space, found)
    copy: FunctionType = found[function.__name__]
    copy.__defaults__, copy.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return copy


def _definition(file: str, name: str, line: int) -> ast.FunctionDef | None:
    """The definition of a function in a file that we wrote and that is as it was loaded."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not (ast.get_docstring(tree) or "").endswith(SIGNATURE):
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and (node.name, node.lineno) == (name, line):
            return node
    return None


class _Expressions(ast.NodeTransformer):
    """Expressions that may hold sizes where numbers are wanted."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def call(self, name: str, *args: ast.expr, **keywords: ast.expr) -> ast.Call:
        function = ast.Attribute(ast.Name(self._prefix, ast.Load()), name, ast.Load())
        named = [ast.keyword(key, value) for key, value in keywords.items()]
        return ast.Call(function, list(args), named)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return self._operator(node, node.left, node.op, node.right)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if len(node.ops) > 1 or type(node.ops[0]).__name__ not in OPERATORS:
            return node
        return self._operator(node, node.left, node.ops[0], node.comparators[0])

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            return node
        return ast.copy_location(self.call("part", node.value, _index(node.slice)), node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="np"), attr=attr), args=[arg], keywords=[]
            ) if attr in _SCALARS:
                return ast.copy_location(self.call("number", node.func, arg), node)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="array")):
                found = self.call("array", *node.args)
                found.keywords = node.keywords
                return ast.copy_location(found, node)
            case _:
                return node

    def _operator(
        self, node: ast.expr, left: ast.expr, op: ast.operator | ast.cmpop, right: ast.expr
    ) -> ast.expr:
        name = ast.Constant(type(op).__name__)
        return ast.copy_location(self.call("operate", name, left, right), node)


class _Rewriter:
    """The statements of one function.

    Parameters
    ----------
    definition : ast.FunctionDef
    file : str
        For messages.
    names : Names
        The names that it uses; new ones are others.
    prefix : str
        The name by which `symgraph.reading.statements` can be called.
    """

    def __init__(self, definition: ast.FunctionDef, file: str, names: Names, prefix: str) -> None:
        self._definition = definition
        self._file = file
        self._names = names
        self._expressions = _Expressions(prefix)
        self._reads = _loads([definition])
        arguments = definition.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        self._arguments = [argument.arg for argument in every]
        self._bound = set(self._arguments)
        self._changed: list[str] = []

    def function(self) -> ast.FunctionDef:
        """The definition; arguments that it changes come as further results."""
        node = self._definition
        body = self._statements(node.body)
        if self._changed:
            results: list[ast.expr] = []
            match body[-1]:
                case ast.Return(value=value):
                    results = (
                        value.elts if isinstance(value, ast.Tuple) else [value] if value else []
                    )
                    body.pop()
                case _:
                    pass
            body.append(ast.Return(_tuple([*results, *map(_load, self._changed)])))
        result = ast.FunctionDef(node.name, node.args, body, [])
        return ast.copy_location(result, node)

    def _statements(self, body: Iterable[ast.stmt]) -> list[ast.stmt]:
        lines: list[ast.stmt] = []
        for node in body:
            for line in self._statement(node):
                lines.append(ast.copy_location(line, node))
                for inner in ast.walk(line):
                    if isinstance(inner, ast.expr | ast.stmt) and not hasattr(inner, "lineno"):
                        ast.copy_location(inner, node)
        return lines

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        match node:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=index)]):
                return self._write(
                    name, "changed", ast.Constant(""), _load(name), index, node.value
                )
            case ast.AugAssign(target=ast.Subscript(value=ast.Name(id=name), slice=index)):
                op = ast.Constant(type(node.op).__name__)
                return self._write(name, "changed", op, _load(name), index, node.value)
            case ast.AugAssign(target=ast.Name(id=name)):
                op = ast.Constant(type(node.op).__name__)
                return self._write(name, "augmented", op, _load(name), node.value)
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr=ufunc), attr="at"),
                    args=[ast.Name(id=name), index, value],
                )
            ):
                return self._write(
                    name, "accumulated", ast.Constant(ufunc), _load(name), index, value
                )
            case ast.Expr(
                value=ast.Call(keywords=[ast.keyword(arg="out", value=ast.Name(id=name))]) as call
            ) if name not in self._arguments:
                self._bound.add(name)
                return [_assign(name, self._expressions.visit(_without_out(call)))]
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(keywords=[ast.keyword(arg="out", value=ast.Name(id=old))]) as call,
            ) if old not in self._arguments:
                self._bound.add(name)
                return [_assign(name, self._expressions.visit(_without_out(call)))]
            case ast.Assign(targets=[ast.Name() | ast.Tuple()]):
                self._bound |= _stored([node])
                return [self._expressions.visit(node)]
            case ast.Return() | ast.Pass() | ast.Expr(value=ast.Constant()):
                return [self._expressions.visit(node)]
            case ast.For(orelse=[ast.Raise()]):
                return self._iteration(node)
            case ast.For(orelse=[]):
                return self._loop(node)
            case ast.If():
                return self._branch(node)
            case _:
                raise self._unknown(node)

    def _write(self, name: str, function: str, *args: ast.expr) -> list[ast.stmt]:
        if name in self._arguments and name not in self._changed:
            self._changed.append(name)
        values = [_index(self._expressions.visit(arg)) for arg in args]
        return [_assign(name, self._expressions.call(function, *values))]

    def _unknown(self, node: ast.stmt) -> UnsupportedError:
        return UnsupportedError(
            "a statement that symgraph does not write, in a module that symgraph wrote",
            hint="take the last sentence out of the module's docstring: then it is read as yours",
            where=Location(self._file, node.lineno),
        )

    # Branches ------------------------------------------------------------------------------------

    def _branch(self, node: ast.If) -> list[ast.stmt]:
        inside = _loads([node])
        first, second = _stored(node.body), _stored(node.orelse)
        given = sorted((first | second) & self._bound)
        targets = [
            name for name in sorted(first & second | set(given)) if self._reads[name] > inside[name]
        ]
        test = self._expressions.visit(node.test)
        before = set(self._bound)
        functions: list[ast.FunctionDef] = []
        for body in (node.body, node.orelse):
            self._bound = set(before)
            results = ast.Return(_tuple([_load(name) for name in targets]))
            functions.append(self._local("branch", given, [*self._statements(body), results]))
        self._bound = before | set(targets)
        names = [_load(function.name) for function in functions]
        value = self._expressions.call("branch", test, *names, _tuple(list(map(_load, given))))
        return [*functions, _unpack(targets, value)]

    def _local(self, wish: str, parameters: Sequence[str], body: list[ast.stmt]) -> ast.FunctionDef:
        args = ast.arguments([], [ast.arg(name) for name in parameters], None, [], [], None, [])
        return ast.FunctionDef(self._names.fresh(wish), args, body, [])

    # Loops ---------------------------------------------------------------------------------------

    def _loop(self, node: ast.For) -> list[ast.stmt]:
        form = form_of(node)
        if form is not None:
            return self._write(form.target, form.function, _load(form.target), *form.arguments)
        head = _Head.of(node)
        if head is None or _has_jump(node.body):
            raise self._unknown(node)
        body, fetched = _taken(node.body, head)
        body, kept = _kept(body, head.index, self._bound, self._names)
        carried = sorted(_stored(body) & self._bound)
        rows = [*head.rows, *[row for row, _ in fetched]]
        arrays = [*head.arrays, *[_load(array) for _, array in fetched]]
        counted = bool(head.index and _loads(body)[head.index])
        before = set(self._bound)
        self._bound |= {*rows, head.index}
        lines = self._statements(body)
        self._bound = before
        parameter = self._names.fresh("carried")
        results = _tuple(
            [_tuple(list(map(_load, carried))), _tuple(list(map(_load, kept.values())))]
        )
        function = self._local(
            "body",
            [parameter, head.index or self._names.fresh("index"), *rows],
            [_unpack(carried, _load(parameter)), *lines, ast.Return(results)],
        )
        stacked = list(kept)
        bounds = ast.Constant(None) if head.bounds is None else _tuple(self._visited(head.bounds))
        value = self._expressions.call(
            "loop",
            _load(function.name),
            _tuple(list(map(_load, carried))),
            _tuple(list(map(_load, stacked))),
            _tuple(self._visited(arrays)),
            bounds,
            backwards=ast.Constant(head.backwards),
            counted=ast.Constant(counted),
        )
        target = ast.Tuple([_targets(carried), _targets(stacked)], ast.Store())
        return [function, ast.Assign([target], value)]

    def _visited(self, nodes: Sequence[ast.expr]) -> list[ast.expr]:
        return [self._expressions.visit(node) for node in nodes]

    def _iteration(self, node: ast.For) -> list[ast.stmt]:
        """A step that is repeated until what it changes is small."""
        match node:
            case ast.For(
                iter=ast.Call(args=[ast.Constant() as most]),
                body=[
                    ast.Assign(targets=[ast.Name(id=before)], value=ast.Name(id=target)),
                    *body,
                    ast.Assign(),
                    ast.If(
                        test=ast.Compare(comparators=[ast.BinOp(left=ast.Constant() as tolerance)]),
                        body=[ast.Break()],
                    ),
                ],
            ):
                bound = set(self._bound)
                self._bound = bound - {target}
                lines = [*self._statements(body), ast.Return(_load(target))]
                self._bound = bound
                function = self._local("step", [before], lines)
                value = self._expressions.call(
                    "iterated", _load(function.name), _load(target), tolerance, most
                )
                return [function, _assign(target, value)]
            case _:
                raise self._unknown(node)


class _Head:
    """What a ``for`` statement runs over.

    Attributes
    ----------
    index : str
        The name of the number of the round; empty without one.
    rows : list of str
        Names of rows.
    arrays : list of ast.expr
        What they are rows of.
    bounds : list of ast.expr or None
        Arguments of ``range``.
    backwards : bool
    """

    def __init__(self, index: str, rows: list[str], arrays: list[ast.expr]) -> None:
        self.index, self.rows, self.arrays = index, rows, arrays
        self.bounds: list[ast.expr] | None = None
        self.backwards = False

    @classmethod
    def of(cls, node: ast.For) -> _Head | None:
        """The parts of a statement; ``None`` if it has another form."""
        target, over, index = node.target, node.iter, ""
        match over:
            case ast.Call(func=ast.Name(id="reversed"), args=[ast.Call() as inner]):
                over, backwards = inner, True
            case _:
                backwards = False
        match over, target:
            case ast.Call(func=ast.Name(id="range"), args=bounds), ast.Name(id=index):
                head = cls("" if index == "_" else index, [], [])
                head.bounds, head.backwards = bounds, backwards
                return head
            case (
                ast.Call(func=ast.Name(id="enumerate"), args=[inner]),
                ast.Tuple(elts=[ast.Name(id=index), rest]),
            ):
                over, target = inner, rest
            case _:
                pass
        match over, target:
            case ast.Call(func=ast.Name(id="zip"), args=arrays), ast.Tuple(elts=elements):
                rows = [element.id for element in elements if isinstance(element, ast.Name)]
                return cls(index, rows, arrays) if len(rows) == len(arrays) else None
            case _, ast.Name(id=row) if not backwards:
                return cls(index, [row], [over])
            case _:
                return None


def _without_out(call: ast.Call) -> ast.expr:
    return ast.copy_location(ast.Call(call.func, call.args, []), call)


def _taken(body: Sequence[ast.stmt], head: _Head) -> tuple[list[ast.stmt], list[tuple[str, str]]]:
    """The statements but ``row = array[i]``, and those rows with the names of their arrays."""
    if not head.index or (head.bounds is not None and len(head.bounds) > 1):
        return list(body), []
    stored = _stored(body)
    rest: list[ast.stmt] = []
    found: list[tuple[str, str]] = []
    for node in body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=row)],
                value=ast.Subscript(value=ast.Name(id=array), slice=ast.Name(id=index)),
            ) if index == head.index and array not in stored:
                found.append((row, array))
            case _:
                rest.append(node)
    return rest, found


def _kept(
    body: Sequence[ast.stmt], index: str, bound: set[str], names: Names
) -> tuple[list[ast.stmt], dict[str, str]]:
    """The statements with ``target[i] = row`` as ``kept = row``, and those names by target.

    Only where nothing else touches the target.
    """
    if not index:
        return list(body), {}
    uses = Counter(n.id for node in body for n in ast.walk(node) if isinstance(n, ast.Name))
    found: dict[str, str] = {}
    lines: list[ast.stmt] = []
    for node in body:
        match node:
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id=name), slice=ast.Name(id=place))],
                value=value,
            ) if place == index and uses[name] == 1 and name in bound:
                found[name] = names.fresh("kept")
                node = ast.copy_location(_assign(found[name], value), node)
            case _:
                pass
        lines.append(node)
    return lines, found


def _has_jump(body: Sequence[ast.stmt]) -> bool:
    """Whether statements leave the loop that they stand in, or a round of it."""
    stack = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Break | ast.Continue | ast.Return):
            return True
        if isinstance(node, ast.If):
            stack += [*node.body, *node.orelse]
    return False


def _stored(body: Sequence[ast.stmt]) -> set[str]:
    """Names that statements bind, or whose arrays they write to; not the targets of loops."""
    found: set[str] = set()
    for node in body:
        for inner in ast.walk(node):
            match inner:
                case ast.Assign(targets=targets):
                    found |= {name for target in targets for name in _written(target)}
                case ast.AugAssign(target=target) | ast.keyword(arg="out", value=target):
                    found |= set(_written(target))
                case ast.Call(
                    func=ast.Attribute(value=ast.Attribute(), attr="at"), args=[ast.Name(id=n), *_]
                ):
                    found.add(n)
                case _:
                    pass
    return found - {"_"}


def _written(target: ast.expr) -> list[str]:
    match target:
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)):
            return [name]
        case ast.Tuple(elts=elements):
            return [name for element in elements for name in _written(element)]
        case ast.Starred(value=value):
            return _written(value)
        case _:
            return []


def _loads(body: Sequence[ast.stmt]) -> Counter[str]:
    """How often each name is read."""
    names = [inner for node in body for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    return Counter(name.id for name in names if isinstance(name.ctx, ast.Load))


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _tuple(elements: Sequence[ast.expr]) -> ast.Tuple:
    return ast.Tuple(list(elements), ast.Load())


def _targets(names: Sequence[str]) -> ast.Tuple:
    return ast.Tuple([ast.Name(name, ast.Store()) for name in names], ast.Store())


def _unpack(names: Sequence[str], value: ast.expr) -> ast.Assign:
    return ast.Assign([_targets(names)], value)


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _index(node: ast.expr) -> ast.expr:
    """An index as an expression: slices can be written in brackets only."""
    if isinstance(node, ast.Slice):
        parts = [part or ast.Constant(None) for part in (node.lower, node.upper, node.step)]
        return ast.Call(_load("slice"), parts, [])
    if isinstance(node, ast.Tuple):
        return _tuple([_index(element) for element in node.elts])
    return node
