"""The runner of the command line's tests, and packages that are installed for one test."""

from tests.cli.conftest import run  # noqa: F401

from .plugins import install  # noqa: F401
