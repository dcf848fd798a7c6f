"""Modules that a library imports for what is never used here: imported when something of them is used after all."""

import importlib
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any


class _Deferred(ModuleType):
    """Stands for a module until somebody asks for a name in it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # what the import system asks of any module
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def defer(modules: Iterable[str]) -> None:
    """Let an import of these modules, where they are not there yet, be one in name only."""
    for module in modules:
        sys.modules.setdefault(module, _Deferred(module))
