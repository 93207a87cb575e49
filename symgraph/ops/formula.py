"""SymPy formulas: recognised, differentiated, and translated to nodes.

SymPy takes a third of a second to import: only who holds a formula comes here, and has it loaded.
"""
# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, reduce
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from symgraph.errors import DerivativeError, UnsupportedError
from symgraph.graph.node import Node, constant
from symgraph.graph.registry import apply, builder_named
from symgraph.graph.types import DType

__all__ = ["derivative", "load_sympy", "recognise", "to_node"]

_SAME = (
    "exp log sin cos tan sinh cosh tanh sign floor log1p expm1 exp2 log2 log10 hypot softplus "
    "sigmoid absolute erf erfc gamma conjugate digamma"
)
FUNCTIONS = {
    **{name: name for name in _SAME.split()},
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "atan2": "arctan2",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "Abs": "absolute",
    "ceiling": "ceil",
    "Cbrt": "cbrt",
    "Heaviside": "heaviside",
    "re": "real",
    "im": "imag",
    "Mod": "remainder",
    "arg": "angle",
    "loggamma": "gammaln",
    "polygamma": "polygamma",
    "beta": "beta",
    "erfi": "erfi",
    "erfinv": "erfinv",
    "erfcinv": "erfcinv",
    "binomial": "binom",
    "Ei": "expi",
    "expint": "expn",
    "besselj": "jv",
    "bessely": "yv",
    "besseli": "iv",
    "besselk": "kv",
    "elliptic_k": "ellipk",
    "Equality": "equal",
    "Unequality": "not_equal",
    "StrictLessThan": "less",
    "LessThan": "less_equal",
    "StrictGreaterThan": "greater",
    "GreaterThan": "greater_equal",
    "Not": "logical_not",
}
"""SymPy's functions that are one of ours."""

FOLDS = {
    "Max": "maximum",
    "Min": "minimum",
    "And": "logical_and",
    "Or": "logical_or",
    "Xor": "logical_xor",
}
"""SymPy's functions of any number of operands, by ours of two."""

RECIPROCALS = {
    "sec": "cos",
    "csc": "sin",
    "cot": "tan",
    "sech": "cosh",
    "csch": "sinh",
    "coth": "tanh",
}


COMPOSED: dict[str, Callable[..., Any]] = {
    "sinc": lambda x: apply("sinc", x / np.pi),
    "elliptic_e": lambda *args: apply("ellipe" if len(args) == 1 else "ellipeinc", *args),
    "elliptic_f": lambda phi, m: apply("ellipkinc", phi, m),
    "frac": lambda x: x - apply("floor", x),
    "LambertW": lambda x, k=0: apply("lambertw", x, k=k),
    "factorial": lambda n: apply("gamma", n + 1),
    "uppergamma": lambda a, x: apply("gammaincc", a, x) * apply("gamma", a),
    "lowergamma": lambda a, x: apply("gammainc", a, x) * apply("gamma", a),
    "RisingFactorial": lambda x, k: apply("poch", x, k),
    "FallingFactorial": lambda x, k: apply("poch", x - k + 1, k),
    "zeta": lambda x, q=1: apply("zeta", x, q),
    "Si": lambda x: apply("sici", x)[0],
    "Ci": lambda x: apply("sici", x)[1],
    "Shi": lambda x: apply("shichi", x)[0],
    "Chi": lambda x: apply("shichi", x)[1],
    "li": lambda x: apply("expi", apply("log", x)),
    "fresnels": lambda x: apply("fresnel", x)[0],
    "fresnelc": lambda x: apply("fresnel", x)[1],
    "airyai": lambda x: apply("airy", x)[0],
    "airyaiprime": lambda x: apply("airy", x)[1],
    "airybi": lambda x: apply("airy", x)[2],
    "airybiprime": lambda x: apply("airy", x)[3],
    "betainc": lambda a, b, low, high: (
        apply("beta", a, b) * (apply("betainc", a, b, high) - apply("betainc", a, b, low))
    ),
    "erf2": lambda a, b: apply("erf", b) - apply("erf", a),
}
"""SymPy's functions that are a few of ours."""


class _Product(NamedTuple):
    """A product as it is put together, so that ``a - 2 * b / c`` is written like that."""

    factor: complex
    over: int
    """The factor's denominator: ``x / 3`` is better than a third of x."""
    above: tuple[Any, ...]
    below: tuple[Any, ...]


_Value: TypeAlias = "Node | complex | _Product | tuple[Any, ...]"


def to_node(expression: Any, env: Mapping[Any, Node], dtype: DType) -> Node:
    """The node of a SymPy expression; parts that it shares are shared.

    Parameters
    ----------
    expression : sympy.Basic
    env : mapping
        A node for every symbol, by the symbol itself or by its name.
    dtype : dtype
        Of what is a number alone.

    Raises
    ------
    UnsupportedError
        If a symbol is not in `env`, or a function has no counterpart.
    """
    values: dict[int, _Value] = {}

    def known(part: Any) -> Node | None:
        found = env.get(part)
        return env.get(part.name) if found is None and part.is_Symbol else found

    for part in _operands_first(expression, known):
        node = known(part)
        if node is None:
            values[id(part)] = _translated(part, [values[id(arg)] for arg in part.args], dtype)
        else:
            values[id(part)] = node
    result = _resolved(values[id(expression)])
    return result if isinstance(result, Node) else constant(np.asarray(result, _fit(result, dtype)))


def _fit(value: Any, dtype: DType) -> DType:
    return np.dtype(bool) if isinstance(value, bool) else np.result_type(dtype, value)


def _operands_first(expression: Any, known: Callable[[Any], object]) -> Iterator[Any]:
    """The distinct parts of an expression, each after its own unless it is known."""
    done: set[int] = set()
    stack: list[tuple[Any, bool]] = [(expression, False)]
    while stack:
        part, ready = stack.pop()
        if ready:
            yield part
        elif id(part) not in done:
            done.add(id(part))
            stack.append((part, True))
            if known(part) is None:
                stack += [(arg, False) for arg in reversed(part.args)]


def _translated(part: Any, args: Sequence[Any], dtype: DType) -> _Value:
    if part.is_Symbol:
        raise UnsupportedError(
            f"the symbol {part.name} of the formula stands for nothing",
            hint=f"give it a node in env: {{{part.name!r}: node}}",
        )
    kind = type(part).__name__
    if kind in ("ExprCondPair", "Tuple", "TupleArg"):
        return tuple([_resolved(arg) for arg in args])
    if not any(isinstance(arg, Node | tuple) for arg in args):
        return _number(part)
    if kind == "Add":
        return _sum(args)
    if kind == "Mul":
        return _product(part, args)
    args = [_resolved(arg) for arg in args]
    if kind == "Pow":
        return _power(part, *args)
    if kind == "Piecewise":
        return _choice(args, dtype)
    if kind == "ITE":
        return _where(*args, dtype=dtype)
    return _called(part, args)


def _called(part: Any, args: Sequence[Any]) -> _Value:
    """What is one of our functions, or a few of them."""
    kind = type(part).__name__
    if kind in FOLDS:
        return reduce(lambda a, b: apply(FOLDS[kind], a, b), args)
    if kind in RECIPROCALS:
        return _Product(1, 1, (), (apply(RECIPROCALS[kind], *args),))
    if kind in COMPOSED:
        return COMPOSED[kind](*args)
    name = kind if _is_undefined(part) else FUNCTIONS.get(kind)
    if name is None or builder_named(name) is None:
        raise UnsupportedError(
            f"SymPy's {kind} has no counterpart here",
            hint="write the formula with functions that exist, or put a node in its place by env",
        )
    return apply(name, *args)


def _is_undefined(part: Any) -> bool:
    """Whether it is a call such as ``Function("mish")(x)``: of one of ours, if it has the name."""
    return any(kind.__name__ == "AppliedUndef" for kind in type(part).__mro__)


def _number(part: Any) -> complex:
    """A Python number for a part without symbols: weak in promotion, as in the user's code."""
    if part.is_Boolean:
        return bool(part)
    if part.is_Integer:
        return int(part)
    try:
        value = complex(float(part)) if part.is_infinite else complex(part.evalf(20))
    except TypeError:
        raise UnsupportedError(f"{part} in a formula is no number") from None
    return value.real if value.imag == 0 else value


def _resolved(value: _Value) -> Any:
    if not isinstance(value, _Product):
        return value
    above = [value.factor] if value.factor not in (1, -1) or not value.above else []
    above += value.above
    result: Any = reduce(lambda a, b: a * b, above)
    if value.factor == -1 and value.above:
        result = -result
    below = [*([value.over] if value.over != 1 else []), *value.below]
    return result / reduce(lambda a, b: a * b, below) if below else result


def _sum(args: Sequence[_Value]) -> Any:
    """Numbers after nodes; what is subtracted comes last, so that nothing is negated."""
    terms = sorted(args, key=lambda v: (_is_negative(v), not isinstance(v, Node | _Product)))
    total = _resolved(terms[0])
    for term in terms[1:]:
        if _is_negative(term):
            total = total - _resolved(_negated(term))
        else:
            total = total + _resolved(term)
    return total


def _is_negative(value: _Value) -> bool:
    factor = value.factor if isinstance(value, _Product) else value
    return isinstance(factor, int | float) and factor < 0


def _negated(value: Any) -> Any:
    return value._replace(factor=-value.factor) if isinstance(value, _Product) else -value


def _product(part: Any, args: Sequence[Any]) -> _Product:
    factor: complex = 1
    over = 1
    above: list[Any] = []
    below: list[Any] = []
    for term, value in zip(part.args, args, strict=True):
        if isinstance(value, _Product):
            factor, over = factor * value.factor, over * value.over
            above += value.above
            below += value.below
        elif isinstance(value, Node):
            above.append(value)
        elif term.is_Rational and term.q & (term.q - 1):
            factor, over = factor * int(term.p), over * int(term.q)
        else:
            factor = factor * value
    return _Product(factor, over, tuple(above), tuple(below))


def _power(part: Any, base: Any, exponent: Any) -> Any:
    if isinstance(exponent, Node | complex):
        return base**exponent
    size = abs(exponent)
    if size == 0.5:
        value = apply("sqrt", base)
    else:
        value = base if size == 1 else base**size
    return _Product(1, 1, (), (value,)) if exponent < 0 else value


def _choice(pairs: Sequence[Any], dtype: DType) -> Any:
    """A Piecewise: NaN where no condition holds, as in SymPy."""
    *rest, (last, always) = pairs
    result = last if always is True else _where(always, last, float("nan"), dtype=dtype)
    for value, condition in reversed(rest):
        result = _where(condition, value, result, dtype=dtype)
    return result


def _where(condition: Any, first: Any, second: Any, *, dtype: DType) -> Any:
    if not isinstance(first, Node) and not isinstance(second, Node):
        first = constant(np.asarray(first, _fit(first, dtype)))
    return apply("where", condition, first, second)


# Recognising and differentiating, in SymPy ------------------------------------------------------


def load_sympy() -> Any:
    """SymPy, untyped: the type checker knows nothing of it, and would say so in every line."""
    return import_module("sympy")


@cache
def _functions() -> dict[str, Any]:
    """SymPy functions for what is more accurate in one piece, and their derivatives."""
    sympy = load_sympy()

    def declare(name: str, plain: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
        def evaluate(cls: Any, argument: Any) -> Any:
            return plain(argument) if argument.is_number else None

        def fdiff(self: Any, argindex: int = 1) -> Any:
            return slope(self.args[0])

        body = {"nargs": 1, "eval": classmethod(evaluate), "fdiff": fdiff}
        return type(name, (sympy.Function,), body)

    sigmoid = declare(
        "sigmoid", lambda u: 1 / (1 + sympy.exp(-u)), lambda u: sigmoid(u) * sigmoid(-u)
    )
    return {
        "sigmoid": sigmoid,
        "softplus": declare("softplus", lambda u: sympy.log(1 + sympy.exp(u)), sigmoid),
        # SymPy's derivative of Abs asks for real and imaginary parts of what it does not know.
        "absolute": declare("absolute", sympy.Abs, sympy.sign),
    }


def recognise(expression: Any) -> Any:
    """A formula with the functions that are accurate in both tails in place of their pieces.

    Examples
    --------
    >>> import sympy
    >>> x = sympy.Symbol("x", real=True)
    >>> recognise(x * sympy.tanh(sympy.log(1 + sympy.exp(x))))
    x*tanh(softplus(x))
    >>> recognise(sympy.exp(x) / (1 + sympy.exp(x))), recognise(sympy.exp(2 * x) - 1)
    (sigmoid(x), expm1(2*x))
    """
    return expression.replace(_is_composed, _recognised, simultaneous=False)


def _is_composed(part: Any) -> bool:
    return bool(part.is_Function or part.is_Add or part.is_Mul or part.is_Pow)


def _recognised(part: Any) -> Any:
    sympy = load_sympy()
    from_c = import_module("sympy.codegen.cfunctions")
    ours = _functions()
    if isinstance(part, sympy.Abs):
        return ours["absolute"](part.args[0])
    if isinstance(part, sympy.Mod):
        number, modulus = part.args
        return number - modulus * sympy.floor(number / modulus)
    if isinstance(part, sympy.log):
        shifted = part.args[0] - 1
        if isinstance(shifted, sympy.exp):
            return ours["softplus"](shifted.args[0])
        if part.args[0].is_Add and 1 in part.args[0].args:
            return from_c.log1p(shifted)
    if part.is_Pow and part.exp == -1:
        rest = part.base - 1
        return ours["sigmoid"](-rest.args[0]) if isinstance(rest, sympy.exp) else part
    if part.is_Add and -1 in part.args:
        for term in part.args:
            if isinstance(term, sympy.exp):
                return part + 1 - term + from_c.expm1(term.args[0])
    return _merged_sigmoid(part) if part.is_Mul else part


def _merged_sigmoid(part: Any) -> Any:
    """``exp(u) * sigmoid(-u)`` is ``sigmoid(u)``, without its overflow."""
    sympy = load_sympy()
    sigmoid = _functions()["sigmoid"]
    for factor in part.args:
        twin = sympy.exp(-factor.args[0]) if isinstance(factor, sigmoid) else None
        if twin is not None and twin in part.args:
            others = [f for f in part.args if f not in (factor, twin)]
            return sympy.Mul(sigmoid(-factor.args[0]), *others)
    return part


def derivative(expression: Any, symbol: Any) -> Any:
    """The derivative of a recognised formula; steps are constant between their jumps.

    Raises
    ------
    DerivativeError
        If SymPy does not know the derivative of a function in it.

    Examples
    --------
    >>> import sympy
    >>> x = sympy.Symbol("x", real=True)
    >>> derivative(recognise(x * sympy.floor(x) + abs(x)), x)
    floor(x) + sign(x)
    """
    sympy = load_sympy()
    steps = expression.atoms(sympy.floor, sympy.ceiling, sympy.sign, sympy.Heaviside)
    fixed = {step: sympy.Dummy() for step in steps}
    slope = sympy.diff(expression.xreplace(fixed), symbol)
    slope = slope.xreplace({dummy: step for step, dummy in fixed.items()})
    if slope.has(sympy.Derivative, sympy.Subs, sympy.DiracDelta):
        raise DerivativeError(
            f"SymPy does not know the derivative of {expression}",
            hint="compose the function from operations that exist instead of a formula",
        )
    return recognise(slope)
