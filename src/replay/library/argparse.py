# What the replay knows of `argparse`: options and positional arguments, without groups of their own and without
# abbreviations. What is refused ends the program (`SystemExit`).
SUPPRESS = "==SUPPRESS=="


class ArgumentTypeError(Exception):
    pass


class Namespace:
    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)

    def __eq__(self, other):
        return isinstance(other, Namespace) and vars(self) == vars(other)

    def __repr__(self):
        return "Namespace(" + ", ".join([f"{name}={value!r}" for name, value in vars(self).items()]) + ")"


class _Action:
    def __init__(self, names, action, nargs, const, default, type, choices, required, dest):
        self.names = names
        self.positional = not names[0].startswith("-")
        self.action = action
        self.nargs = nargs
        self.const = const
        self.type = type
        self.choices = choices
        self.required = required
        long = [name for name in names if name.startswith("--")]
        self.dest = dest or (long or names)[0].lstrip("-").replace("-", "_")
        if default is None and action in ("store_true", "store_false"):
            default = action == "store_false"
        self.default = default


class ArgumentParser:
    def __init__(self, prog=None, usage=None, description=None, epilog=None, add_help=True):
        self.prog = prog
        self.description = description
        self._actions = []
        self._defaults = {}
        self._commands = None

    def add_argument(self, *names, action="store", nargs=None, const=None, default=None, type=None, choices=None,
                     required=False, help=None, metavar=None, dest=None, version=None):
        if action not in ("store", "store_true", "store_false", "store_const", "append", "count"):
            __unknown__()
        made = _Action(names, action, nargs, const, default, type, choices, required, dest)
        self._actions.append(made)
        return made

    def set_defaults(self, **values):
        self._defaults.update(values)

    def add_argument_group(self, title=None, description=None):
        return self

    def add_subparsers(self, dest=None, required=False, title=None, help=None, metavar=None):
        self._commands = _Commands(dest, required)
        return self._commands

    def error(self, message):
        raise SystemExit(2)

    def parse_args(self, args=None):
        if args is None:
            __unknown__()
        found, rest = self._parse(list(args))
        if rest:
            self.error("unrecognized arguments: " + " ".join(rest))
        return found

    def parse_known_args(self, args=None):
        if args is None:
            __unknown__()
        return self._parse(list(args))

    def _converted(self, action, text):
        if action.type is not None and isinstance(text, str):
            try:
                text = action.type(text)
            except (TypeError, ValueError, ArgumentTypeError):
                self.error("invalid value")
        if action.choices is not None and text not in action.choices:
            self.error("invalid choice")
        return text

    def _parse(self, args):
        found = Namespace()
        for action in self._actions:
            default = action.default
            if isinstance(default, str) and action.type is not None:
                default = self._converted(action, default)
            setattr(found, action.dest, default)
        for name, value in self._defaults.items():
            setattr(found, name, value)
        given, rest, plain = [], [], []
        at = 0
        while at < len(args):
            arg = args[at]
            at += 1
            if not arg.startswith("-") or arg == "-" or arg[1:2].isdigit():
                if self._commands is not None and len(plain) >= len([a for a in self._actions if a.positional]):
                    name = arg
                    if name not in self._commands.parsers:
                        self.error("invalid choice")
                    if self._commands.dest:
                        setattr(found, self._commands.dest, name)
                    inner, more = self._commands.parsers[name]._parse(args[at:])
                    for key, value in vars(inner).items():
                        setattr(found, key, value)
                    given.append("<command>")
                    rest.extend(more)
                    at = len(args)
                else:
                    plain.append(arg)
                continue
            name, equals, value = arg.partition("=")
            action = None
            for known in self._actions:
                if name in known.names:
                    action = known
            if action is None:
                if not name.startswith("--") and len(name) > 2:
                    __unknown__()
                rest.append(arg)
                continue
            given.append(action.dest)
            if action.action in ("store_true", "store_false"):
                setattr(found, action.dest, action.action == "store_true")
            elif action.action == "store_const":
                setattr(found, action.dest, action.const)
            elif action.action == "count":
                setattr(found, action.dest, (getattr(found, action.dest) or 0) + 1)
            elif action.nargs in ("*", "+", "?") or isinstance(action.nargs, int):
                values = [value] if equals else []
                most = 1 if action.nargs == "?" else action.nargs if isinstance(action.nargs, int) else 1000
                while not equals and at < len(args) and not args[at].startswith("-") and len(values) < most:
                    values.append(args[at])
                    at += 1
                values = [self._converted(action, one) for one in values]
                if action.nargs == "+" and not values:
                    self.error("expected at least one argument")
                if action.nargs == "?":
                    setattr(found, action.dest, values[0] if values else action.const)
                else:
                    setattr(found, action.dest, values)
            else:
                if not equals:
                    if at >= len(args) or args[at].startswith("-") and not args[at][1:2].isdigit():
                        self.error("expected one argument")
                    value = args[at]
                    at += 1
                value = self._converted(action, value)
                if action.action == "append":
                    setattr(found, action.dest, list(getattr(found, action.dest) or []) + [value])
                else:
                    setattr(found, action.dest, value)
        waiting = [action for action in self._actions if action.positional]
        for at, action in enumerate(waiting):
            if action.nargs in ("*", "+"):
                if at != len(waiting) - 1:
                    __unknown__()
                values = [self._converted(action, one) for one in plain]
                plain = []
                if action.nargs == "+" and not values:
                    self.error("the following arguments are required")
                setattr(found, action.dest, values if values or action.default is None else action.default)
            elif action.nargs == "?":
                if plain:
                    setattr(found, action.dest, self._converted(action, plain.pop(0)))
            elif action.nargs is not None:
                __unknown__()
            elif not plain:
                self.error("the following arguments are required")
            else:
                setattr(found, action.dest, self._converted(action, plain.pop(0)))
        for action in self._actions:
            if action.required and action.dest not in given:
                self.error("the following arguments are required")
        if self._commands is not None and "<command>" not in given:
            if self._commands.required:
                self.error("the following arguments are required")
            if self._commands.dest:
                setattr(found, self._commands.dest, None)
        return found, rest + plain


class _Commands:
    def __init__(self, dest, required):
        self.dest = dest
        self.required = required
        self.parsers = {}

    def add_parser(self, name, help=None, description=None):
        self.parsers[name] = ArgumentParser()
        return self.parsers[name]
