"""Symbolic sizes: small integer polynomials in one canonical form.

A size of a dimension is an ``int`` or a `Size`: a polynomial with integer coefficients in names
(``n``) and in the atoms ``a // b`` and ``a % b``. One canonical form makes equality a comparison;
sizes are compared at every node, which SymPy's arithmetic is too slow for.
"""

from __future__ import annotations

import ast
import keyword
import operator
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, SupportsIndex, TypeAlias, cast

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.size_numbers import Symbolic, of_numbers

__all__ = [
    "READ_BACK",
    "Dim",
    "Shape",
    "Size",
    "as_dim",
    "as_product",
    "as_shape",
    "dim_names",
    "evaluate",
    "may_be_zero",
    "product",
    "solve",
]

READ_BACK = "sg.trace(function, ...) reads what symgraph exported"
"""The end of hints of errors that an exported function runs into if it is called with nodes."""


@record
class _Ratio:
    """The atom ``numerator // denominator`` or ``numerator % denominator``."""

    symbol: str
    numerator: Dim
    denominator: Dim

    def __str__(self) -> str:
        return f"{_operand(self.numerator)} {self.symbol} {_operand(self.denominator)}"


_Atom: TypeAlias = "str | _Ratio"
_Monomial: TypeAlias = "tuple[tuple[_Atom, int], ...]"


def _operand(dim: Dim) -> str:
    text = str(dim)
    return text if text.isidentifier() or text.isdigit() else f"({text})"


_UFUNCS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "floor_divide": lambda a, b: a // b,
    "remainder": operator.mod,
}


class Size(Symbolic):
    """An integer expression of named sizes.

    Build one from a name with `as_dim`, or take it from a node's ``shape``. It is equal to
    another when both have one canonical form, and to the text of that form.

    Examples
    --------
    >>> n, m = as_dim("n"), as_dim("m")
    >>> (n + 1) * 2 - n
    n + 2
    >>> n * m // m == n == "n"
    True
    """

    __slots__ = ("_hash", "_text", "terms")

    terms: tuple[tuple[_Monomial, int], ...]

    def __init__(self, terms: tuple[tuple[_Monomial, int], ...]) -> None:
        self.terms = terms
        self._text = _terms_text(terms)
        self._hash = hash(self._text)

    # Arithmetic ------------------------------------------------------------------------------

    def __add__(self, other: Dim) -> Dim:
        if not isinstance(other, int | Size):
            return of_numbers("add", self, other)
        return _collect([*self.terms, *_terms(other)])

    def __radd__(self, other: Dim) -> Dim:
        return self + other if isinstance(other, int) else of_numbers("add", other, self)

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        if not isinstance(other, int | Size):
            return of_numbers("subtract", self, other)
        return self + -other

    def __rsub__(self, other: int) -> Dim:
        if not isinstance(other, int):
            return of_numbers("subtract", other, self)
        return -self + other

    def __mul__(self, other: Dim) -> Dim:
        if not isinstance(other, int | Size):
            return of_numbers("multiply", self, other)
        return _collect([(_multiply(a, b), p * q) for a, p in self.terms for b, q in _terms(other)])

    def __rmul__(self, other: Dim) -> Dim:
        return self * other if isinstance(other, int) else of_numbers("multiply", other, self)

    def __floordiv__(self, other: Dim) -> Dim:
        if not isinstance(other, int | Size):
            return NotImplemented
        return _divide(self, other)

    def __rfloordiv__(self, other: int) -> Dim:
        if not isinstance(other, int):
            return NotImplemented
        return _divide(other, self)

    def __mod__(self, other: Dim) -> Dim:
        if not isinstance(other, int | Size):
            return NotImplemented
        return _modulo(self, other)

    def __rmod__(self, other: int) -> Dim:
        if not isinstance(other, int):
            return NotImplemented
        return _modulo(other, self)

    def __pow__(self, power: object) -> Dim:
        if not isinstance(power, int) or isinstance(power, bool) or power < 0:
            return of_numbers("power", self, power)
        result: Dim = 1
        for _ in range(power):
            result = result * self
        return result

    def __rpow__(self, base: object) -> Any:
        return of_numbers("power", base, self)

    def __array_ufunc__(self, ufunc: Any, kind: str, *args: Any, **keywords: Any) -> Any:
        """A size of sizes and integers, also NumPy's; of anything else a node (``np.sqrt(n)``)."""
        if kind != "__call__" or keywords:
            return NotImplemented
        symbol = _UFUNCS.get(ufunc.__name__)
        if symbol and all(isinstance(arg, Size) or hasattr(arg, "__index__") for arg in args):
            first, second = [arg if isinstance(arg, Size) else arg.__index__() for arg in args]
            return symbol(first, second)
        return apply(ufunc.__name__, *args)

    def __rtruediv__(self, other: object) -> Any:
        return of_numbers("divide", other, self)

    def __truediv__(self, other: object) -> Any:
        if not isinstance(other, int | Size):
            return of_numbers("divide", self, other)
        raise DTypeError(  # np.arange(n) ends here, too
            f"the quotient of the symbolic size {self} and {other} is no size",
            hint=f"{self} // {other} for sizes, sg.constant({self}) / {other} for numbers; "
            f"sg.arange(n) instead of np.arange(n); {READ_BACK}",
        )

    # Comparison ------------------------------------------------------------------------------

    def _compared(self, other: object) -> bool:
        raise DTypeError(
            f"whether the symbolic size {self} or {other} is larger is not known in a graph",
            hint=f"sg.constant({self}) > {other} is a node, for np.where or sg.cond; where Python "
            "must decide, declare the placeholder with a number for this size",
        )

    __lt__ = __le__ = __gt__ = __ge__ = _compared

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Size):
            return self._text == other._text
        return isinstance(other, str) and self._text == other

    def __hash__(self) -> int:
        return self._hash

    def __bool__(self) -> bool:
        raise TypeError(f"whether the symbolic size {self} is zero is not known in a graph")

    def __int__(self) -> int:
        raise DTypeError(
            f"the symbolic size {self} has no value until the function is called",
            hint="sg.zeros, sg.ones, sg.full, sg.eye and sg.arange take symbolic sizes, "
            f"sg.scan stands for a loop; {READ_BACK}",
        )

    __index__ = __int__

    def __repr__(self) -> str:
        return self._text

    def __reduce__(self) -> tuple[object, ...]:
        return (as_dim, (self._text,))

    # Reading ---------------------------------------------------------------------------------

    @property
    def names(self) -> frozenset[str]:
        """The names that occur, those inside ``//`` and ``%`` included."""
        found: set[str] = set()
        for monomial, _ in self.terms:
            for atom, _ in monomial:
                if isinstance(atom, str):
                    found.add(atom)
                else:
                    found |= dim_names(atom.numerator) | dim_names(atom.denominator)
        return frozenset(found)

    def render(self, names: Mapping[str, str]) -> str:
        """Python source of this expression with every name replaced.

        Examples
        --------
        >>> (as_dim("n") * 2 + 1).render({"n": "rows"})
        '2 * rows + 1'
        """
        return _terms_text(self.terms, names)

    def to_sympy(self) -> Any:
        """This expression with a non-negative integer SymPy symbol for each name."""
        sympy: Any = import_module("sympy")
        env: dict[str, Any] = {
            name: sympy.Symbol(name, integer=True, nonnegative=True) for name in self.names
        }
        return sympy.sympify(eval_text(self._text, env))


Dim: TypeAlias = "int | Size"
Shape: TypeAlias = "tuple[Dim, ...]"


def eval_text(text: str, env: Mapping[str, Any]) -> Any:
    """Value of an expression of ``+ - * // % **``, names and integers, with names from `env`."""
    tree = ast.parse(text, mode="eval").body
    return _eval_tree(tree, env)


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}


def _eval_tree(tree: ast.expr, env: Mapping[str, Any]) -> Any:
    match tree:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            return env[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_eval_tree(operand, env)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))) if power > 0:
            base = _eval_tree(left, env)
            result = base
            for _ in range(power - 1):
                result = result * base
            return result
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_eval_tree(left, env), _eval_tree(right, env))
        case _:
            raise ShapeError(
                "a size is an integer, a name or an integer expression of names",
                got=ast.unparse(tree),
            )


class _Names(dict[str, "Dim"]):
    def __missing__(self, name: str) -> Dim:
        return _name(name)


def _name(name: str) -> Size:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ShapeError(
            "a symbolic size must be an identifier",
            expected="a name such as 'n', or an expression of names such as '2 * n + 1'",
            got=repr(name),
        )
    return Size(((((name, 1),), 1),))


def as_dim(value: object) -> Dim:
    """A size from an integer, a name, the text of an expression, or a `Size`.

    Raises
    ------
    ShapeError
        If `value` is none of these, or is a negative integer.
    """
    if isinstance(value, Size):
        return value
    if isinstance(value, str):
        if value.isidentifier():
            return _name(value)
        try:
            result = eval_text(value, _Names())
        except (SyntaxError, ValueError, RecursionError):
            return _name(value)
        return as_dim(result)
    try:
        number = cast("SupportsIndex", value).__index__()
    except (AttributeError, TypeError):
        number = None
    if not isinstance(number, int) or isinstance(value, bool):
        raise ShapeError(
            "a size is an integer, a name or an integer expression of names",
            got=f"{value!r} ({type(value).__name__})",
        )
    if number < 0:
        raise ShapeError("a size cannot be negative", got=str(number))
    return number


def as_shape(value: object) -> Shape:
    """A shape from one size or an iterable of sizes.

    Examples
    --------
    >>> as_shape(("n", 3)), as_shape(4), as_shape("n + 1")
    ((n, 3), (4,), (n + 1,))
    """
    if isinstance(value, str | Size) or not isinstance(value, Iterable):
        return (as_dim(value),)
    return tuple([as_dim(item) for item in cast("Iterable[object]", value)])


def dim_names(dim: Dim) -> frozenset[str]:
    """The names that occur in a size."""
    return frozenset() if isinstance(dim, int) else dim.names


def product(shape: Iterable[Dim]) -> Dim:
    """The number of elements of an array of this shape."""
    dims = iter(shape)
    total: Dim = next(dims, 1)
    for dim in dims:
        total = total * dim
    return total


def may_be_zero(dim: Dim) -> bool:
    """Whether a size is 0 for some sizes of the placeholders, as far as its form tells.

    Examples
    --------
    >>> [may_be_zero(as_dim(size)) for size in ("n", 0, 3)], may_be_zero(as_dim("n") + 1)
    ([True, True, False], False)
    """
    terms = _terms(dim)
    return not any(not m and c > 0 for m, c in terms) or any(c < 0 for _, c in terms)


def evaluate(dim: Dim, values: Mapping[str, int]) -> int:
    """The value of a size, given those of its names.

    Examples
    --------
    >>> evaluate(as_dim("n // 2 + m"), {"n": 5, "m": 1})
    3
    """
    if isinstance(dim, int):
        return dim
    total = 0
    for monomial, coefficient in dim.terms:
        term = coefficient
        for atom, power in monomial:
            term *= _atom_value(atom, values) ** power
        total += term
    return total


def _atom_value(atom: _Atom, values: Mapping[str, int]) -> int:
    if isinstance(atom, str):
        return values[atom]
    numerator, denominator = evaluate(atom.numerator, values), evaluate(atom.denominator, values)
    if denominator == 0:
        return 0  # only reached for arrays without elements, where NumPy gives 0 too
    return numerator // denominator if atom.symbol == "//" else numerator % denominator


def solve(dim: Dim, name: str, value: int, known: Mapping[str, int]) -> int | None:
    """The size `name` for which `dim` has a value, or ``None`` if there is none.

    Where several have it (``n // 2``) it is the smallest.

    Examples
    --------
    >>> solve(as_dim("2 * n + 1"), "n", 7, {}), solve(as_dim("n * n"), "n", 8, {})
    (3, None)
    """

    def at(guess: int) -> int:
        return evaluate(dim, {**known, name: guess})

    start, slope = at(0), at(1) - at(0)
    if slope and (value - start) % slope == 0:
        guess = (value - start) // slope
        if guess >= 0 and at(guess) == value:
            return guess
    if at(2**40) == start:
        return None  # it does not depend on the name: n * m where m is 0
    # Not linear. What sizes are made of grows or shrinks with its parts: bisection.
    low, high = 0, 1
    rising = at(2**40) > start
    while (at(high) < value) == rising and high < 2**40:
        high *= 2
    while low < high:
        middle = (low + high) // 2
        if (at(middle) < value) if rising else (at(middle) > value):
            low = middle + 1
        else:
            high = middle
    return low if at(low) == value else None


# Canonical form ------------------------------------------------------------------------------


def _terms(dim: Dim) -> tuple[tuple[_Monomial, int], ...]:
    if isinstance(dim, int):
        return (((), dim),) if dim else ()
    return dim.terms


def _multiply(a: _Monomial, b: _Monomial) -> _Monomial:
    powers: dict[_Atom, int] = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(powers.items(), key=lambda item: str(item[0])))


def _order(term: tuple[_Monomial, int]) -> tuple[int, str]:
    monomial = term[0]
    return (-sum(power for _, power in monomial), str([(str(a), p) for a, p in monomial]))


def _collect(terms: Iterable[tuple[_Monomial, int]]) -> Dim:
    sums: dict[_Monomial, int] = {}
    for monomial, coefficient in terms:
        sums[monomial] = sums.get(monomial, 0) + coefficient
    kept = sorted(((m, c) for m, c in sums.items() if c), key=_order)
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return Size(tuple(kept))


def as_product(monomial: _Monomial, coefficient: int) -> Dim:
    """A size of one term."""
    return _collect([(monomial, coefficient)])


def _monomial_quotient(a: _Monomial, b: _Monomial) -> _Monomial | None:
    powers = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) - power
        if powers[atom] < 0:
            return None
    return tuple((atom, power) for atom, power in powers.items() if power)


_LONGEST_DIVISION = 64


def _leading(terms: tuple[tuple[_Monomial, int], ...]) -> tuple[_Monomial, int]:
    """The greatest term in an order that multiplication keeps: by degree, then by name."""

    def key(term: tuple[_Monomial, int]) -> tuple[Any, ...]:
        # Of two of one degree that with more of the first name in which they differ.
        return (
            -sum(power for _, power in term[0]),
            [(str(atom), -power) for atom, power in term[0]],
        )

    return min(terms, key=key)


def _exact_quotient(a: Dim, b: Dim) -> Dim | None:
    """``a / b`` where it is a polynomial (by long division), otherwise ``None``."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b if b and a % b == 0 else None
    divisor = _terms(b)
    if not divisor:
        return None
    top, factor = _leading(divisor)
    rest, quotient = a, 0
    for _ in range(_LONGEST_DIVISION):
        if isinstance(rest, int) and rest == 0:
            return quotient
        first, coefficient = _leading(_terms(rest))
        monomial = _monomial_quotient(first, top)
        if monomial is None or coefficient % factor:
            return None
        term = as_product(monomial, coefficient // factor)
        quotient = quotient + term
        rest = rest - term * b
    return None


def _divide(a: Dim, b: Dim) -> Dim:
    if isinstance(b, int) and b == 0:
        raise ShapeError("a size is divided by zero", got=f"{a} // 0")
    exact = _exact_quotient(a, b)
    if exact is not None:
        return exact
    if isinstance(b, int) and b > 0:  # split off the multiples: (n + 4 * m - 1) // 2
        whole = _collect([(m, c // b) for m, c in _terms(a) if not m or c % b == 0])
        rest = _collect([(m, c if m else c % b) for m, c in _terms(a) if not m or c % b])
        if isinstance(rest, int):
            return whole + rest // b
        if not isinstance(whole, int) or whole:
            return whole + _divide(rest, b)
    return Size(((((_Ratio("//", a, b), 1),), 1),))


def _modulo(a: Dim, b: Dim) -> Dim:
    if isinstance(b, int) and b == 0:
        raise ShapeError("a size is divided by zero", got=f"{a} % 0")
    if _exact_quotient(a, b) is not None:
        return 0
    if isinstance(b, int) and b > 0:
        rest = _collect([(m, c % b) for m, c in _terms(a)])
        if isinstance(rest, int):
            return rest % b
        a = rest
    return Size(((((_Ratio("%", a, b), 1),), 1),))


def _atom_text(atom: _Atom, power: int, names: Mapping[str, str] | None, alone: bool) -> str:
    if isinstance(atom, str):
        text = names[atom] if names else atom
    else:
        left, right = (
            d.render(names) if names and isinstance(d, Size) else str(d)
            for d in (atom.numerator, atom.denominator)
        )
        left, right = (t if t.isidentifier() or t.isdigit() else f"({t})" for t in (left, right))
        text = f"{left} {atom.symbol} {right}"
        if power != 1 or not alone:
            text = f"({text})"
    return text if power == 1 else f"{text}**{power}"


def _terms_text(
    terms: tuple[tuple[_Monomial, int], ...], names: Mapping[str, str] | None = None
) -> str:
    parts: list[str] = []
    for monomial, coefficient in sorted(terms, key=lambda term: term[1] < 0):
        alone = len(monomial) == 1 and (coefficient == 1 or (coefficient == -1 and bool(parts)))
        factors = [_atom_text(atom, power, names, alone) for atom, power in monomial]
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, str(abs(coefficient)))
        if parts:
            parts.append("-" if coefficient < 0 else "+")
        elif coefficient < 0:
            factors[0] = "-" + factors[0]
        parts.append(" * ".join(factors))
    return " ".join(parts)
