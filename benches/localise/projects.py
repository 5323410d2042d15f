"""The projects: name, version, what to mutate, what to run, half. The halves were drawn by name before anything was
measured: the weights are learned on `dev`; `test` is for measuring only."""

PROJECTS = [
    # name, version, packages or modules to mutate, tests to run, path entries, half
    ("toolz", "1.2.0", ["toolz"], ["toolz/tests"], ["."], "dev"),
    ("parse", "1.22.4", ["parse"], ["tests"], ["."], "dev"),
    ("cachetools", "8.0.1", ["src/cachetools"], ["tests"], ["src"], "dev"),
    ("sqlparse", "0.6.1", ["sqlparse"], ["tests"], ["."], "dev"),
    ("boltons", "26.2.0", ["boltons/strutils.py", "boltons/iterutils.py", "boltons/dictutils.py",
                           "boltons/setutils.py", "boltons/urlutils.py", "boltons/statsutils.py"],
     ["tests/test_strutils.py", "tests/test_iterutils.py", "tests/test_dictutils.py", "tests/test_setutils.py",
      "tests/test_urlutils.py", "tests/test_statsutils.py"], ["."], "dev"),
    ("inflection", "0.5.1", ["inflection"], ["test_inflection.py"], ["."], "dev"),
    ("schema", "0.7.8", ["schema"], ["test_schema.py"], ["."], "test"),
    ("semver", "3.1.1", ["src/semver"], ["tests"], ["src"], "test"),
    ("tabulate", "0.10.0", ["tabulate"], ["test"], ["."], "test"),
    ("webcolors", "25.10.0", ["src/webcolors"], ["tests"], ["src"], "test"),
    ("pathspec", "1.1.1", ["pathspec"], ["tests"], ["."], "test"),
    ("marshmallow", None, ["src/marshmallow"], ["tests"], ["src"], "test"),
    ("funcy", None, ["funcy"], ["tests"], ["."], "test"),
]
