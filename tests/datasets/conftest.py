"""Recipes are scripts, not modules: a test loads one from its file."""

import importlib.util

import pytest


@pytest.fixture(scope="session")
def load_recipe(repository):
    """The script of a data set as a module."""

    def load(name, script="prepare"):
        path = repository / "datasets" / name / f"{script}.py"
        spec = importlib.util.spec_from_file_location(f"{script}_{name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
