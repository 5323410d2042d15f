# What the replay knows of `unittest.mock`.
class _Default:
    pass


DEFAULT = _Default()
ANY_NAMES = ("assert_", "assret", "asert", "aseert", "assrt")


class _Any:
    def __eq__(self, other):
        return True

    def __repr__(self):
        return "<ANY>"


ANY = _Any()


class _Call:
    def __init__(self, name, args, kwargs):
        self._name = name
        self.args = args
        self.kwargs = kwargs

    def __call__(self, *args, **kwargs):
        return _Call(self._name, args, kwargs)

    def __getattr__(self, name):
        return _Call(name, (), {})

    def __getitem__(self, at):
        return (self.args, self.kwargs)[at]

    def __iter__(self):
        return iter((self.args, self.kwargs))

    def __eq__(self, other):
        if isinstance(other, _Call):
            return self._name == other._name and self.args == other.args and self.kwargs == other.kwargs
        if isinstance(other, tuple) and len(other) == 2:
            return self.args == other[0] and self.kwargs == other[1]
        return False

    def __repr__(self):
        parts = [repr(arg) for arg in self.args]
        parts += [name + "=" + repr(value) for name, value in self.kwargs.items()]
        dot = "." + self._name if self._name else ""
        return "call" + dot + "(" + ", ".join(parts) + ")"


call = _Call("", (), {})


class Mock:
    def __init__(self, spec=None, side_effect=None, return_value=DEFAULT, wraps=None, name=None, **attributes):
        self._spec = spec
        self._wraps = wraps
        self._effect = side_effect
        self._answers = None
        self._value = return_value
        self.reset_mock()
        self._parent = None
        self._own_name = ""
        for name, value in attributes.items():
            if "." in name:
                __unknown__()
            setattr(self, name, value)

    @property
    def side_effect(self):
        return self._effect

    @side_effect.setter
    def side_effect(self, effect):
        self._effect = effect
        self._answers = None

    @property
    def return_value(self):
        if self._value is DEFAULT:
            self._value = Mock()
        return self._value

    @return_value.setter
    def return_value(self, value):
        self._value = value

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name.startswith(ANY_NAMES):
            raise AttributeError(repr(name) + " is not a valid assertion. Use a spec for the mock if " + repr(name) + " is meant to be an attribute.")
        if self._spec is not None:
            known = name in self._spec if isinstance(self._spec, (list, tuple)) else hasattr(self._spec, name)
            if not known:
                raise AttributeError("Mock object has no attribute " + repr(name))
        child = Mock()
        child._parent = self
        child._own_name = name
        setattr(self, name, child)
        return child

    def __call__(self, *args, **kwargs):
        made = _Call("", args, kwargs)
        self.called = True
        self.call_count += 1
        self.call_args = made
        self.call_args_list.append(made)
        self.mock_calls.append(made)
        child, path = self, ""
        while child._parent is not None:
            path = child._own_name + "." + path if path else child._own_name
            child = child._parent
            child.mock_calls.append(_Call(path, args, kwargs))
            child.method_calls.append(_Call(path, args, kwargs))
        effect = self._effect
        if effect is not None:
            if _raises(effect):
                raise effect
            if callable(effect):
                value = effect(*args, **kwargs)
            else:
                if self._answers is None:
                    self._answers = iter(effect)
                value = next(self._answers)
                if _raises(value):
                    raise value
            if value is not DEFAULT:
                return value
        if self._wraps is not None:
            return self._wraps(*args, **kwargs)
        return self.return_value

    def assert_called(self):
        if self.call_count == 0:
            raise AssertionError("Expected 'mock' to have been called.")

    def assert_called_once(self):
        if self.call_count != 1:
            raise AssertionError("Expected 'mock' to have been called once. Called " + str(self.call_count) + " times.")

    def assert_not_called(self):
        if self.call_count != 0:
            raise AssertionError("Expected 'mock' to not have been called. Called " + str(self.call_count) + " times.")

    def assert_called_with(self, *args, **kwargs):
        if self.call_args is None:
            raise AssertionError("expected call not found.")
        if self.call_args != _Call("", args, kwargs):
            raise AssertionError("expected call not found.")

    def assert_called_once_with(self, *args, **kwargs):
        self.assert_called_once()
        self.assert_called_with(*args, **kwargs)

    def assert_any_call(self, *args, **kwargs):
        if _Call("", args, kwargs) not in self.call_args_list:
            raise AssertionError("call not found")

    def assert_has_calls(self, calls, any_order=False):
        if any_order:
            missing = [made for made in calls if made not in self.mock_calls]
            if missing:
                raise AssertionError("calls not found")
            return
        many, wanted = self.mock_calls, list(calls)
        for at in range(len(many) - len(wanted) + 1):
            if many[at : at + len(wanted)] == wanted:
                return
        raise AssertionError("Calls not found.")

    def reset_mock(self):
        self.called = False
        self.call_count = 0
        self.call_args = None
        self.call_args_list = []
        self.mock_calls = []
        self.method_calls = []


class MagicMock(Mock):
    def __len__(self):
        return 0

    def __iter__(self):
        return iter([])

    def __bool__(self):
        return True

    def __contains__(self, item):
        return False

    def __getitem__(self, key):
        return Mock()

    def __enter__(self):
        return Mock()

    def __exit__(self, *exc):
        return False


class AsyncMock(Mock):
    async def __call__(self, *args, **kwargs):
        return Mock.__call__(self, *args, **kwargs)

    def assert_awaited_once(self):
        self.assert_called_once()

    def assert_awaited_once_with(self, *args, **kwargs):
        self.assert_called_once_with(*args, **kwargs)


def _raises(effect):
    if isinstance(effect, BaseException):
        return True
    return isinstance(effect, type) and issubclass(effect, BaseException)


class _Patch:
    def __init__(self, find, new, options):
        self._find = find
        self._new = new
        self._options = options

    def __enter__(self):
        self._object, self._name = self._find()
        self._old = getattr(self._object, self._name)
        new = self._new
        if new is DEFAULT:
            if self._options.get("autospec") or "spec" in self._options or "new_callable" in self._options:
                __unknown__()
            new = MagicMock(**self._options)
        setattr(self._object, self._name, new)
        return new

    def __exit__(self, *exc):
        setattr(self._object, self._name, self._old)
        return False

    def start(self):
        return self.__enter__()

    def stop(self):
        self.__exit__(None, None, None)

    def __call__(self, function):
        def patched(*args, **kwargs):
            with self as new:
                if self._new is DEFAULT:
                    return function(*args, new, **kwargs)
                return function(*args, **kwargs)

        return patched


class _Patcher:
    def __call__(self, target, new=DEFAULT, **options):
        return _Patch(lambda: __target__(target), new, options)

    def object(self, target, attribute, new=DEFAULT, **options):
        return _Patch(lambda: (target, attribute), new, options)

    def dict(self, target, values=(), clear=False, **more):
        return _PatchDict(target, values, clear, more)


class _PatchDict:
    def __init__(self, target, values, clear, more):
        if not isinstance(target, dict):
            __unknown__()
        self._target = target
        self._values = dict(values, **more)
        self._clear = clear

    def __enter__(self):
        self._old = dict(self._target)
        if self._clear:
            self._target.clear()
        self._target.update(self._values)
        return self._target

    def __exit__(self, *exc):
        self._target.clear()
        self._target.update(self._old)
        return False

    def __call__(self, function):
        def patched(*args, **kwargs):
            with self:
                return function(*args, **kwargs)

        return patched


patch = _Patcher()
