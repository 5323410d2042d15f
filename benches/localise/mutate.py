"""Mutants of a file: one small fault each, with the lines that it is on.

The operators go beyond what a search for fixes undoes: statements that are missing or in the wrong order, branches
that are left out, arguments that are dropped, wrong methods, copies that are not made, loops that end too soon.
"""

import ast
import random

COMPARE = {
    ast.Lt: ["<=", ">"], ast.LtE: ["<", ">="], ast.Gt: [">=", "<"], ast.GtE: [">", "<="],
    ast.Eq: ["!="], ast.NotEq: ["=="], ast.Is: ["is not"], ast.IsNot: ["is"], ast.In: ["not in"], ast.NotIn: ["in"],
}
BINARY = {
    ast.Add: ["-"], ast.Sub: ["+"], ast.Mult: ["+", "//"], ast.Div: ["*", "//"], ast.FloorDiv: ["/"],
    ast.Mod: ["//"], ast.BitAnd: ["|"], ast.BitOr: ["&"], ast.LShift: [">>"], ast.RShift: ["<<"],
}
METHODS = [
    {"append", "extend"}, {"strip", "lstrip", "rstrip"}, {"lower", "upper"}, {"startswith", "endswith"},
    {"find", "rfind"}, {"index", "rindex"}, {"split", "rsplit"}, {"keys", "values", "items"}, {"add", "discard"},
    {"min", "max"}, {"any", "all"}, {"match", "search"}, {"partition", "rpartition"}, {"ljust", "rjust", "center"},
    {"union", "intersection"}, {"isdigit", "isalpha"}, {"insert", "append"}, {"get", "pop"},
]
EXCEPTIONS = ["ValueError", "TypeError", "KeyError", "AttributeError", "IndexError", "RuntimeError"]


class Mutant:
    """A mutated text. ``truth`` are the lines of the mutated text that a fix must touch (for what is missing: the
    statements before and after), ``origin`` those of the statement in the text before."""

    def __init__(self, operator, text, truth, function, origin):
        self.operator, self.text, self.truth, self.function, self.origin = operator, text, truth, function, origin


class Source:
    def __init__(self, text):
        self.text = text
        self.lines = text.splitlines(keepends=True)
        self.tree = ast.parse(text)
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                child.parent = node
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line.encode()))
        self.bytes = text.encode()

    def span(self, node):
        return (self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset)

    def of(self, node):
        start, end = self.span(node)
        return self.bytes[start:end].decode()

    def replaced(self, node, text):
        start, end = self.span(node)
        return (self.bytes[:start] + text.encode() + self.bytes[end:]).decode()

    def function(self, node):
        names = []
        inside = False
        while node is not None:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                names.append(node.name)
                inside = True
            elif isinstance(node, ast.ClassDef):
                names.append(node.name)
            node = getattr(node, "parent", None)
        return ".".join(reversed(names)) if inside else "<module>"


def header_lines(stmt):
    """The lines of a statement, of a compound one those of its header."""
    body = getattr(stmt, "body", None)
    last = stmt.end_lineno
    if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
        last = max(stmt.lineno, body[0].lineno - 1)
        if body[0].lineno == stmt.lineno:
            last = stmt.lineno
    return list(range(stmt.lineno, last + 1))


def statement(node):
    while not isinstance(node, (ast.stmt, ast.ExceptHandler)):
        node = node.parent
    return node


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def in_annotation(node):
    while node is not None:
        parent = getattr(node, "parent", None)
        if isinstance(parent, ast.AnnAssign) and node is parent.annotation:
            return True
        if isinstance(parent, ast.arg) or (isinstance(parent, ast.FunctionDef) and node is parent.returns):
            return True
        if isinstance(node, ast.stmt):
            return is_docstring(node)
        node = parent
    return False


def mutants(text, seed, wanted):
    """Up to ``wanted`` mutants, operators mixed evenly."""
    source = Source(text)
    found = {}

    def add(operator, node, new, lines=None):
        if new != source.text:
            truth = lines or range(node.lineno, node.end_lineno + 1)
            stmt = statement(node) if not isinstance(node, (ast.stmt, ast.ExceptHandler)) else node
            mutant = Mutant(operator, new, sorted(set(truth)), source.function(node), header_lines(stmt))
            found.setdefault(operator, []).append(mutant)

    for node in ast.walk(source.tree):
        if isinstance(node, ast.expr) and in_annotation(node):
            continue
        expression(source, node, add)
        statements(source, node, add)
    rng = random.Random(seed)
    for several in found.values():
        rng.shuffle(several)
    chosen = []
    names = sorted(found)
    while names and len(chosen) < wanted:
        rng.shuffle(names)
        for name in list(names):
            if found[name]:
                mutant = found[name].pop()
                try:
                    ast.parse(mutant.text)
                except (SyntaxError, ValueError):
                    continue
                chosen.append(mutant)
            else:
                names.remove(name)
    return chosen[:wanted]


def expression(source, node, add):
    of, replaced = source.of, source.replaced
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for operator in COMPARE.get(type(node.ops[0]), []):
            add("compare", node, replaced(node, "(%s %s %s)" % (of(node.left), operator, of(node.comparators[0]))))
    elif isinstance(node, ast.BinOp):
        if not isinstance(node.left, ast.Constant) or not isinstance(node.left.value, str):
            for operator in BINARY.get(type(node.op), []):
                add("arithmetic", node, replaced(node, "(%s %s %s)" % (of(node.left), operator, of(node.right))))
    elif isinstance(node, ast.BoolOp):
        word = "or" if isinstance(node.op, ast.And) else "and"
        add("logic", node, replaced(node, "(%s)" % (" %s " % word).join("(%s)" % of(v) for v in node.values)))
        for index in range(len(node.values)):
            rest = [of(v) for i, v in enumerate(node.values) if i != index]
            joint = " and " if isinstance(node.op, ast.And) else " or "
            add("operand dropped", node, replaced(node, "(%s)" % joint.join("(%s)" % v for v in rest)))
    elif isinstance(node, ast.UnaryOp):
        add("unary dropped", node, replaced(node, "(%s)" % of(node.operand)))
    elif isinstance(node, ast.Constant):
        value = node.value
        if isinstance(getattr(node, "parent", None), (ast.JoinedStr, ast.FormattedValue)):
            return
        if value is True or value is False:
            add("constant", node, replaced(node, repr(not value)))
        elif isinstance(value, int):
            add("number", node, replaced(node, str(value + 1)))
            add("number", node, replaced(node, "(%d)" % (value - 1)))
        elif isinstance(value, str) and node.lineno == node.end_lineno and not is_docstring(node.parent):
            add("text", node, replaced(node, repr(value + "X") if value else repr(" ")))
    elif isinstance(node, ast.IfExp):
        add("ifexp", node, replaced(node, "(%s if %s else %s)" % (of(node.orelse), of(node.test), of(node.body))))
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        part = node.slice
        lower, upper = (of(p) if p is not None else "" for p in (part.lower, part.upper))
        step = ":" + of(part.step) if part.step is not None else ""
        if lower:
            add("slice", node, replaced(node, "%s[(%s) + 1:%s%s]" % (of(node.value), lower, upper, step)))
        if upper:
            add("slice", node, replaced(node, "%s[%s:%s]" % (of(node.value), lower, step)))
    elif isinstance(node, ast.Call):
        call(source, node, add)
    elif isinstance(node, (ast.List, ast.Tuple)) and len(node.elts) > 1 and isinstance(node.ctx, ast.Load):
        first, second = node.elts[0], node.elts[1]
        if of(first) != of(second):
            order = [of(second), of(first)] + [of(e) for e in node.elts[2:]]
            brackets = "[%s]" if isinstance(node, ast.List) else "(%s)"
            add("elements swapped", node, replaced(node, brackets % ", ".join(order)))
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        function = node
        while function is not None and not isinstance(function, ast.FunctionDef):
            function = getattr(function, "parent", None)
        if function is not None and not isinstance(node.parent, ast.Call):
            names = sorted({a.arg for a in function.args.args if a.arg not in ("self", "cls")})
            if node.id in names and len(names) > 1:
                other = names[(names.index(node.id) + 1) % len(names)]
                add("wrong variable", node, replaced(node, other))


def call(source, node, add):
    of, replaced = source.of, source.replaced
    arguments = [of(a) for a in node.args]
    keywords = [of(k) for k in node.keywords]
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    for family in METHODS:
        for other in sorted(family - {name}):
            if name in family:
                func = of(node.func)
                add("wrong method", node, replaced(node.func, func[: len(func) - len(name)] + other))
    if len(arguments) > 1:
        swapped = [arguments[1], arguments[0]] + arguments[2:]
        add("arguments swapped", node, replaced(node, "%s(%s)" % (of(node.func), ", ".join(swapped + keywords))))
    for index in range(len(keywords)):
        rest = arguments + [k for i, k in enumerate(keywords) if i != index]
        add("keyword dropped", node, replaced(node, "%s(%s)" % (of(node.func), ", ".join(rest))))
    if len(arguments) > 1:
        rest = arguments[:-1] + keywords
        add("argument dropped", node, replaced(node, "%s(%s)" % (of(node.func), ", ".join(rest))))
    if isinstance(node.func, ast.Attribute) and not isinstance(node.parent, ast.Expr):
        add("call dropped", node, replaced(node, of(node.func.value)))
    elif name in ("list", "dict", "set", "tuple", "sorted", "str", "int", "copy", "deepcopy") and len(arguments) == 1:
        add("call dropped", node, replaced(node, "(%s)" % arguments[0]))


def statements(source, node, add):
    lines = source.lines

    def without(first, last, instead=""):
        return "".join(lines[: first - 1]) + instead + "".join(lines[last:])

    def indent(stmt):
        return lines[stmt.lineno - 1][: stmt.col_offset]

    if isinstance(node, (ast.If, ast.While)):
        add("negated", node, source.replaced(node.test, "not (%s)" % source.of(node.test)), header_lines(node))
    if isinstance(node, ast.Return) and node.value is not None:
        add("return lost", node, source.replaced(node, source.of(node.value)))
        add("returns None", node, source.replaced(node, "return None"))
    if isinstance(node, ast.Break):
        add("loop control", node, source.replaced(node, "continue"))
    if isinstance(node, ast.Continue):
        add("loop control", node, source.replaced(node, "break"))
    if isinstance(node, ast.AugAssign):
        op = source.of(node)
        left, right = source.of(node.target), source.of(node.value)
        add("augmented lost", node, source.replaced(node, "%s = %s" % (left, right)))
        del op
    if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name) and node.type.id in EXCEPTIONS:
        other = EXCEPTIONS[(EXCEPTIONS.index(node.type.id) + 1) % len(EXCEPTIONS)]
        add("wrong exception", node, source.replaced(node.type, other), [node.lineno])
    if isinstance(node, (ast.FunctionDef,)):
        for default in node.args.defaults + [d for d in node.args.kw_defaults if d is not None]:
            if isinstance(default, ast.Constant) and default.value is None:
                add("default", node, source.replaced(default, "0"), header_lines(node))
    body_fields = [(node, f) for f in ("body", "orelse", "finalbody") if isinstance(getattr(node, f, None), list)]
    for owner, field in body_fields:
        body = getattr(owner, field)
        if not body or not isinstance(body[0], ast.stmt):
            continue
        for index, stmt in enumerate(body):
            if is_docstring(stmt) or isinstance(stmt, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
                continue
            if lines[stmt.lineno - 1][: stmt.col_offset].strip():
                continue
            before = body[index - 1] if index else owner
            around = [] if isinstance(before, ast.Module) else header_lines(before)[-1:]
            removed = stmt.end_lineno - stmt.lineno + 1
            if len(body) > 1 and not isinstance(owner, ast.Module):
                near = list(around)
                if index + 1 < len(body):
                    following = header_lines(body[index + 1])
                    near += [line - removed for line in following]
                if index:
                    near += header_lines(before)
                kind = "block missing" if hasattr(stmt, "body") else "statement missing"
                add(kind, stmt, without(stmt.lineno, stmt.end_lineno), near)
            if index + 1 < len(body) and not isinstance(owner, (ast.Module, ast.ClassDef)):
                other = body[index + 1]
                simple = (ast.Assign, ast.AugAssign, ast.Expr, ast.If)
                if isinstance(stmt, simple) and isinstance(other, simple) and not is_docstring(other):
                    first = "".join(lines[stmt.lineno - 1 : stmt.end_lineno])
                    second = "".join(lines[other.lineno - 1 : other.end_lineno])
                    between = "".join(lines[stmt.end_lineno : other.lineno - 1])
                    text = (
                        "".join(lines[: stmt.lineno - 1]) + second + between + first + "".join(lines[other.end_lineno :])
                    )
                    add("statements swapped", stmt, text, range(stmt.lineno, other.end_lineno + 1))
            if isinstance(stmt, ast.Return) and isinstance(owner, (ast.FunctionDef,)) and index:
                loop = body[index - 1]
                if isinstance(loop, (ast.For, ast.While)) and loop.body:
                    inner = indent(loop.body[0])
                    moved = "".join(
                        inner + line[stmt.col_offset :] for line in lines[stmt.lineno - 1 : stmt.end_lineno]
                    )
                    add("returns in the loop", stmt, without(stmt.lineno, stmt.end_lineno, moved))
    if isinstance(node, (ast.If, ast.For, ast.While)) and node.orelse and isinstance(node, ast.If):
        only = node.orelse
        if not (len(only) == 1 and isinstance(only[0], ast.If)):
            start = node.body[-1].end_lineno + 1
            add("else missing", node, without(start, only[-1].end_lineno), header_lines(node))
