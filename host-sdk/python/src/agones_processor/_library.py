# SPDX-License-Identifier: Apache-2.0
"""Finding and loading the library: the host library, or a plugin by itself."""
from __future__ import annotations

import ctypes as c
import os
from pathlib import Path
from typing import Any

from . import _raw
from ._types import LibraryError, ProcessorError

_HOST_LIBRARY = "libagones_processor_host.so"
_ERROR_SIZE = 1024


def find(library: str | os.PathLike[str] | None) -> str:
    """An explicit file; what AGONES_PROCESSOR_PLUGIN names; the package's own file; the system's."""
    if library is not None:
        return os.fspath(library)
    named = os.environ.get("AGONES_PROCESSOR_PLUGIN")
    if named:
        return named
    packaged = Path(__file__).with_name("native") / _HOST_LIBRARY
    return str(packaged) if packaged.exists() else _HOST_LIBRARY


class Library:
    """The functions of one file. Those that return a status raise ProcessorError instead."""

    def __init__(self, file: str) -> None:
        try:
            self._dll = c.CDLL(file)
            version = self._dll.proc_abi_version
        except (OSError, AttributeError) as error:
            raise LibraryError(f"{file}: {error}") from error
        version.restype = c.c_uint32
        if version() >> 16 != _raw.ABI_VERSION >> 16:
            raise LibraryError(f"{file}: has ABI {version() >> 16}.{version() & 0xffff}, this package needs {_raw.ABI_VERSION >> 16}.x")
        self.file = file
        self.functions: dict[str, Any] = {}
        for name, (result, parameters, host_only) in _raw.FUNCTIONS.items():
            try:
                function = getattr(self._dll, name)
            except AttributeError as error:
                if host_only:
                    continue
                raise LibraryError(f"{file}: lacks {name}") from error
            function.restype, function.argtypes = result, parameters
            self.functions[name] = function

    @property
    def can_swap(self) -> bool:
        return "proc_swap" in self.functions

    def call(self, name: str, *arguments: Any) -> None:
        """A function that returns a status; the error's buffer is added."""
        error = c.create_string_buffer(_ERROR_SIZE)
        status = self.functions[name](*arguments, error, _ERROR_SIZE)
        if status != _raw.Status.OK:
            raise ProcessorError.of(status, error.value.decode("utf-8", "replace"))

    @property
    def version(self) -> str:
        version: bytes = self.functions["proc_version"]()
        return version.decode()
