# SPDX-License-Identifier: Apache-2.0
"""Game servers from the Agones allocation processor, for asyncio."""
from ._client import Client
from ._raw import VERSION as __version__
from ._raw import ConnectionState, Delivery, Outcome, Status
from ._types import (AllocationError, Connection, Forked, GameServer, InvalidArgument, LibraryError, ProcessorError,
                     QueueFull, ShutDown, Stats, SwapError, SwapReport)

__all__ = ["AllocationError", "Client", "Connection", "ConnectionState", "Delivery", "Forked", "GameServer", "InvalidArgument",
           "LibraryError", "Outcome", "ProcessorError", "QueueFull", "ShutDown", "Stats", "Status", "SwapError", "SwapReport",
           "__version__"]
