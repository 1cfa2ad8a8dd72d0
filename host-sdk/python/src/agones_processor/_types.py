# SPDX-License-Identifier: Apache-2.0
"""What callers see: results, errors, states."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, NamedTuple

from . import _raw
from ._raw import ConnectionState, Delivery, Outcome, Status


class LibraryError(Exception):
    """The library can't be loaded, or has another major version."""


class ProcessorError(Exception):
    """A call was refused; nothing has changed. `status` says why, the text names what is wrong."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(f"{status.name}: {message}")
        self.status = status
        self.message = message

    @staticmethod
    def of(status: int, message: str) -> ProcessorError:
        kind = {Status.QUEUE_FULL: QueueFull, Status.SHUT_DOWN: ShutDown, Status.INVALID_ARGUMENT: InvalidArgument,
                Status.FORKED: Forked}.get(Status(status), ProcessorError)
        return kind(Status(status), message)


class QueueFull(ProcessorError):
    """max_pending_requests are pending."""


class ShutDown(ProcessorError):
    """The client is draining or closed."""


class InvalidArgument(ProcessorError, ValueError):
    """A request or a setting is not valid."""


class Forked(ProcessorError):
    """The process was forked after its client was made: make one in the child, before the parent has any."""


class GameServer(NamedTuple):
    """What was allocated."""

    name: str
    address: str
    node_name: str
    source: str
    ports: Mapping[str, int]
    #: The whole AllocationResponse as proto3 JSON has it: labels, annotations, counters, lists, addresses.
    response: Mapping[str, Any]

    @staticmethod
    def of(response: Mapping[str, Any]) -> GameServer:
        return GameServer(response.get("gameServerName", ""), response.get("address", ""), response.get("nodeName", ""),
                          response.get("source", ""),
                          {port.get("name", ""): port.get("port", 0) for port in response.get("ports", ())}, response)


class AllocationError(Exception):
    """A request ended without a game server. With Delivery.UNKNOWN one may have been allocated all the same."""

    def __init__(self, outcome: Outcome, delivery: Delivery, code: int = 0, message: str = "",
                 request: Mapping[str, Any] | None = None, remaining: float = 0.0) -> None:
        super().__init__(f"{outcome.name}/{delivery.name}" + (f" (code {code})" if code else "") + (f": {message}" if message else ""))
        self.outcome = outcome
        self.delivery = delivery
        #: The processor's gRPC status code and text, with Outcome.REJECTED.
        self.code = code
        self.message = message
        #: With Delivery.NOT_SENT: what was asked for, safe to send again, and the seconds that were left.
        self.request = request
        self.remaining = remaining

    @staticmethod
    def of(event: Mapping[str, Any]) -> AllocationError:
        return AllocationError(Outcome[event["outcome"]], Delivery[event["delivery"]], event.get("code", 0),
                               event.get("message", ""), event.get("request"), event.get("remainingMs", 0) / 1000)


class Connection(NamedTuple):
    state: ConnectionState
    reason: str


@dataclass(frozen=True)
class SwapReport:
    """How a swap went."""

    from_version: str
    to_version: str
    moved: int
    drained: int
    longest_gap: float
    #: Whether the old library is out of the process; else why not.
    unloaded: bool
    kept_because: str


class SwapError(Exception):
    """A swap failed; the old plugin goes on."""


Stats = _raw.Stats
