"""The pytest plugin of Failscope, and a way to the ``failscope`` program that it hands its records to.

The package records what happens in a test run; everything that is concluded from it is concluded by the
program. Only the standard library is used.
"""

from .plugin import pytest_addoption, pytest_configure

__all__ = ["pytest_addoption", "pytest_configure"]
