# SPDX-License-Identifier: Apache-2.0
"""The raw layer of every language's binding, as text from the ABI's description."""
from . import csharp, go, java, lua, node, python, rust

GENERATORS = (python, node, csharp, rust, java, go, lua)


def files(abi, version):
    """Path below host-sdk -> text."""
    return {path: text for language in GENERATORS for path, text in language.files(abi, version).items()}
