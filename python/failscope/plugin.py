"""Options of the plugin, and switching it on. Without ``--failscope`` nothing else is imported or registered."""

import os

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}

#: Name of the setting: (kind, what the help says). The flag is ``--fs-NAME``, the ini option ``fs_NAME``, the
#: variable ``FAILSCOPE_NAME``.
_SETTINGS = {
    "offline": (bool, "find causes by rules only; ask no model and need no key"),
    "report": (bool, "add the stability report (grades A to F per test) to the output"),
    "provider": (str, "model provider: groq, openai, anthropic or ollama (default: detected)"),
    "model": (str, "name of the model (default: the provider's)"),
    "max_log_size": (int, "most characters of a failure's log that are sent to a model (default: 80000)"),
    "output": (str, "folder of the reports (default: .failscope/)"),
}


class UsageProblem(Exception):
    """A setting that cannot be used."""


class Settings:
    """The settings in force: command line before environment before ini file."""

    def __init__(self, values, stream):
        self.offline = values["offline"]
        self.report = values["report"]
        self.provider = values["provider"]
        self.model = values["model"]
        self.max_log_size = values["max_log_size"]
        self.output = values["output"]
        #: Record to this file and hand over to nobody: whoever started pytest reads it.
        self.stream = stream


#: What checks that the tests of a copy are not those of the original.
_checker = None


def pytest_addoption(parser):
    global _checker
    if "FAILSCOPE_COPY_REPORT" in os.environ and "PYTEST_CURRENT_TEST" not in os.environ:
        # Before conftest files and the project's own plugins are imported.
        from . import copied

        _checker = copied.begin(os.environ)
    group = parser.getgroup("failscope", "root causes of failures (Failscope)")
    group.addoption(
        "--failscope", action="store_true", default=None, help="find the root causes of what fails"
    )
    parser.addini("failscope", "find the root causes of what fails, in every run", type="string", default="")
    for name, (kind, text) in _SETTINGS.items():
        flag = "--fs-" + name.replace("_", "-")
        if kind is bool:
            group.addoption(flag, action="store_true", default=None, dest="fs_" + name, help=text)
        else:
            group.addoption(
                flag, type=kind, default=None, dest="fs_" + name, metavar=name.upper(), help=text
            )
        parser.addini("fs_" + name, text, type="string", default="")


def pytest_configure(config):
    if _checker is not None:
        config.pluginmanager.register(_checker, "failscope-copy")
    try:
        settings = _settings(config)
    except UsageProblem as problem:
        import pytest

        raise pytest.UsageError("failscope: " + str(problem)) from None
    if settings is None:
        return
    from . import record, session

    maker = record.Maker(config)
    config.pluginmanager.register(maker, "failscope-maker")
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(record.Attacher(maker), "failscope-attacher")
        return
    if settings.stream:
        _listen_to_cancelling()
    plan = os.environ.get("FAILSCOPE_TRACE") if settings.stream else None
    if plan:
        from .trace import Tracer

        Tracer.in_one_process(config)
    option = config.getoption
    several = option("forked", False) or option("dist", "no") != "no" or option("tx", None)
    recorder = (session.Several if several else session.Session)(config, settings, maker)
    if plan:
        tracer = Tracer(plan, maker.describer, recorder.write)
        config.pluginmanager.register(tracer, "failscope-tracer")
    config.pluginmanager.register(recorder, "failscope-session")
    if several:
        config.pluginmanager.register(session.Taker(recorder), "failscope-taker")


def _listen_to_cancelling():
    """Lets SIGINT end a run that the runner started. An editor may itself have been started in the background by
    a shell that has SIGINT ignored, and Python passes that on: such a run could only be killed, and its fixtures
    would not be torn down."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        except ValueError:
            pass  # not in the main thread: whoever runs pytest there minds the signals


def _settings(config):
    """The settings, or ``None`` if Failscope is off for this run."""
    environment = os.environ
    # A pytest that a test starts inherits the environment of the run it is part of; it is not a run of its own.
    nested = "PYTEST_CURRENT_TEST" in environment
    stream = None if nested else environment.get("FAILSCOPE_STREAM") or None
    on = True if config.getoption("failscope", None) else None
    if on is None and not nested:
        on = _flag("FAILSCOPE", environment.get("FAILSCOPE", ""))
    if on is None:
        on = _flag("failscope", config.getini("failscope"))
    if not on and stream is None:
        return None
    values = {}
    for name, (kind, _) in _SETTINGS.items():
        value = config.getoption("fs_" + name, None)
        if value is not None:
            if name == "output":
                value = os.path.join(str(config.invocation_params.dir), value)
            values[name] = value
            continue
        where = "FAILSCOPE_" + name.upper()
        text = environment.get(where, "")
        if not text:
            where = "fs_" + name
            text = str(config.getini(where) or "")
        if not text:
            values[name] = False if kind is bool else None
        elif kind is bool:
            values[name] = bool(_flag(where, text))
        elif kind is int:
            values[name] = _number(where, text)
        else:
            values[name] = text
    if values["max_log_size"] is not None and values["max_log_size"] <= 0:
        raise UsageProblem("the log size must be a positive number of characters")
    values["output"] = os.path.join(str(config.rootpath), values["output"] or ".failscope")
    return Settings(values, stream)


def _flag(name, value):
    """``True``, ``False``, or ``None`` if nothing is set."""
    text = str(value).strip().lower()
    if not text:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise UsageProblem("%s must be true or false, not %r" % (name, value))


def _number(name, text):
    try:
        return int(text)
    except ValueError:
        raise UsageProblem("%s must be a number, not %r" % (name, text)) from None
