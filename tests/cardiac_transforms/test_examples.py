"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import cardiac_transforms

MODULES = [module.name for module in pkgutil.walk_packages(cardiac_transforms.__path__, "cardiac_transforms.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name):
    module = importlib.import_module(name)
    # examples use torch as the module itself imports it
    result = doctest.testmod(
        module, extraglobs={} if hasattr(module, "torch") else {"torch": importlib.import_module("torch")}
    )
    assert result.failed == 0
