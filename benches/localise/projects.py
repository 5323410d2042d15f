"""The projects: name, version, what to mutate, what to run, path entries, half. The halves were drawn by name before
anything was measured: the weights are learned on `dev`; `test` is for measuring only."""

PROJECTS = [
    ("toolz", "1.2.0", ["toolz"], ["toolz/tests"], ["."], "dev"),
    ("parse", "1.22.4", ["parse"], ["tests"], ["."], "dev"),
    ("cachetools", "8.0.1", ["src/cachetools"], ["tests"], ["src"], "dev"),
    ("sqlparse", "0.6.1", ["sqlparse"], ["tests"], ["."], "dev"),
    ("boltons", "26.2.0", ["boltons/strutils.py", "boltons/iterutils.py", "boltons/dictutils.py",
                           "boltons/setutils.py", "boltons/urlutils.py", "boltons/statsutils.py"],
     ["tests/test_strutils.py", "tests/test_iterutils.py", "tests/test_dictutils.py", "tests/test_setutils.py",
      "tests/test_urlutils.py", "tests/test_statsutils.py"], ["."], "dev"),
    ("inflection", "0.5.1", ["inflection"], ["test_inflection.py"], ["."], "dev"),
    ("isodate", "0.7.2", ["src/isodate"], ["tests"], ["src"], "dev"),
    ("jmespath", "1.1.0", ["jmespath"], ["tests"], ["."], "dev"),
    ("schema", "0.7.8", ["schema"], ["test_schema.py"], ["."], "test"),
    ("semver", "3.1.1", ["src/semver"], ["tests"], ["src"], "test"),
    ("tabulate", "0.10.0", ["tabulate"], ["test"], ["."], "test"),
    ("webcolors", "25.10.0", ["src/webcolors"], ["tests"], ["src"], "test"),
    ("pathspec", "1.1.1", ["pathspec"], ["tests"], ["."], "test"),
    ("rfc3986", "2.0.0", ["src/rfc3986"], ["tests"], ["src"], "test"),
    ("tinydb", "4.9.0", ["tinydb"], ["tests"], ["."], "test"),
    ("texttable", "1.7.2", ["texttable.py"], ["tests.py"], ["."], "test"),
]
