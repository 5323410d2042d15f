"""One run, told by the plugin, by JUnit XML and by pytest-reportlog: the same failures, grouped the same way."""

import json
import subprocess

import pytest
from support import VERSIONS, clean_environment, program, pytest_of, run
from test_kinds import project


def clusters(folder, told):
    """The tests of each cluster of a result file, by its fingerprint. Subtests, which formats name differently or leave
    out, are left out."""
    done = subprocess.run(
        [program(), "analyze", told, "--offline", "--format", "json", "--output", str(folder.parent / "reports")],
        cwd=folder, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    assert done.returncode == 1, done.stderr
    found = {}
    for analysis in json.loads(done.stdout)["analyses"]:
        tests = {test for test in analysis["affected_tests"] if "subtests" not in test and "many_discounts" not in test}
        if tests:
            found[analysis["fingerprint_hash"]] = tests
    return found


@pytest.mark.parametrize("args", [[], ["-n2"]], ids=["alone", "workers"])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_clusters(version, args, tmp_path):
    folder = project(tmp_path, "kinds")
    ran = run(
        pytest_of(version), folder, "--failscope", "-q", "tests", "tests_broken", "--continue-on-collection-errors",
        "--junitxml=../junit.xml", "--report-log=../reportlog.jsonl", "-o", "junit_logging=all",
        *(["--ignore=tests_broken/shelved"] if version == "pytest7" else []), *args, FAILSCOPE_BIN="/nowhere",
    )
    assert ran.exit == 1, ran.output
    expected = clusters(folder, str(ran.streams[0]))
    assert sum(map(len, expected.values())) > 100
    for told in ("junit.xml", "reportlog.jsonl"):
        assert clusters(folder, str(tmp_path / told)) == expected, told
