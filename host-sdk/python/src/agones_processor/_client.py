# SPDX-License-Identifier: Apache-2.0
"""The client for asyncio. Everything happens on the event loop's thread, but for close(), which waits on another one."""
from __future__ import annotations

import asyncio
import ctypes as c
import json
import logging
import os
import warnings
from types import TracebackType
from typing import Any, Callable, Mapping

from . import _raw
from ._library import Library, find
from ._raw import ConnectionState, DrainFlags, Format, Status
from ._types import AllocationError, Connection, GameServer, ProcessorError, Stats, SwapError, SwapReport

_EVENTS_A_TURN = 512  # then the loop's other work has its turn
_SWAP_POLL = 0.01
_LEVELS = {"TRACE": 5, "DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARNING": logging.WARNING, "ERROR": logging.ERROR}


class _Allocation(asyncio.Future[GameServer]):
    """The future of a request: cancelled, it cancels the request."""

    client: Client
    request_id: int

    def cancel(self, msg: Any = None) -> bool:
        cancelled = super().cancel(msg)
        if cancelled:
            self.client._cancel(self.request_id)  # pylint: disable=protected-access
        return cancelled


class Client:
    """A connection to the allocation processor. To be made, used and closed on one event loop::

        async with Client("agones-processor:9090", transport="plaintext", on_orphan=give_back) as client:
            server = await client.allocate({"namespace": "default"})

    on_orphan: gets every game server that nobody else knows of: its request had timed out, was cancelled, or lost its stream.
    on_connection: gets every change of the connection's state.
    settings: any field of the ABI's proc_config by its name; the library has the defaults and checks them.
    """

    def __init__(self, processor_address: str, *, on_orphan: Callable[[GameServer], None],
                 on_connection: Callable[[Connection], None] | None = None,
                 library: str | os.PathLike[str] | None = None, logger: logging.Logger | None = None,
                 **settings: str | int | bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_orphan = on_orphan
        self._on_connection = on_connection
        self._logger = logger or logging.getLogger("agones_processor")
        self._library = Library(find(library))
        self._waiting: dict[int, asyncio.Future[GameServer]] = {}
        self._token = 0
        self._handle = c.c_void_p()
        self._closed = False
        self._closing: asyncio.Future[None] | None = None
        self._callback = _raw.JSON_CALLBACK(self._take)  # kept: C calls it
        self._more = c.c_uint32()
        self._init(processor_address, settings)
        fd = c.c_int32()
        self._call("proc_get_wakeup_fd", c.byref(fd))
        self._fd = fd.value
        self._loop.add_reader(self._fd, self._poll)

    def _init(self, address: str, settings: Mapping[str, str | int | bool]) -> None:
        config = _raw.Config()
        self._library.call("proc_config_init", _raw.ABI_VERSION, c.byref(config), c.sizeof(config))
        try:
            given: dict[str, str | int | bool] = {"processor_address": address, **settings}
            for name, value in given.items():
                text = str(value).lower() if isinstance(value, bool) else str(value)
                self._library.call("proc_config_set", c.byref(config), name.encode(), text.encode())
            self._library.call("proc_init", c.byref(config), c.byref(self._handle))
        finally:
            self._library.functions["proc_config_clear"](c.byref(config))

    def _call(self, name: str, *arguments: Any) -> None:
        if self._closed:
            raise ProcessorError.of(Status.SHUT_DOWN, "the client is closed")
        self._library.call(name, self._handle, *arguments)

    # ---- allocations

    def submit(self, request: Mapping[str, Any] | bytes, *, timeout: float | None = None,
               manifest: bool = False) -> asyncio.Future[GameServer]:
        """Asks for a game server; the future has it, or an AllocationError. Cancelling the future cancels the request.

        request: a mapping as the AllocationRequest's JSON, or a serialized AllocationRequest. timeout: in seconds; default: the
        setting allocation_timeout_ms. manifest: the mapping is a GameServerAllocation of Kubernetes. Raises InvalidArgument, QueueFull, ShutDown, Forked at once.
        """
        if isinstance(request, bytes):
            body, format_ = request, Format.PROTOBUF
        else:
            body, format_ = json.dumps(request).encode(), Format.MANIFEST if manifest else Format.JSON
        self._token += 1
        token = self._token
        request_id = c.c_uint64()
        timeout_ms = 0 if timeout is None else max(1, round(timeout * 1000))
        self._call("proc_allocate", format_, body, len(body), timeout_ms, token, c.byref(request_id))
        future = _Allocation(loop=self._loop)
        future.client, future.request_id = self, request_id.value
        self._waiting[token] = future
        return future

    async def allocate(self, request: Mapping[str, Any] | bytes, *, timeout: float | None = None,
                       manifest: bool = False) -> GameServer:
        """A game server. Raises as submit, and AllocationError. Cancelled (asyncio.timeout, Task.cancel), it cancels the request."""
        future = self.submit(request, timeout=timeout, manifest=manifest)
        try:
            return await future
        except asyncio.CancelledError:
            # The game server may have come a moment before.
            if future.done() and not future.cancelled() and future.exception() is None:
                self._on_orphan(future.result())
            raise

    def _cancel(self, request_id: int) -> None:
        if not self._closed:
            # What has ended already can't be cancelled, and need not be.
            self._library.functions["proc_cancel"](self._handle, request_id, None, 0)

    # ---- events

    def _poll(self) -> None:
        # Nobody else may poll while another thread is inside of proc_shutdown.
        if self._closing is None:
            self._poll_once()

    def _poll_once(self) -> bool:
        """Whether more waits."""
        self._call("proc_poll_json", self._callback, None, _EVENTS_A_TURN, 0, 0, None, c.byref(self._more))
        return self._more.value != 0

    def _take(self, _context: int | None, text: int, size: int) -> None:
        # No exception may reach C.
        try:
            self._handle_event(json.loads(c.string_at(text, size)))
        except Exception:  # pylint: disable=broad-except
            self._logger.exception("an event could not be handled")

    def _handle_event(self, event: Mapping[str, Any]) -> None:
        kind = event["type"]
        if kind == "RESULT":
            self._end(self._waiting.pop(event["token"]), event)
        elif kind == "ORPHAN":
            self._on_orphan(GameServer.of(event["gameServer"]))
        elif kind == "CONNECTION" and self._on_connection is not None:
            self._on_connection(Connection(ConnectionState[event["connection"]], event.get("message", "")))
        elif kind == "LOG":
            self._logger.log(_LEVELS.get(event["severity"], logging.INFO), "%s", event.get("message", ""),
                             extra={"processor_kind": event.get("kind", ""), "processor_fields": event.get("fields", {})})

    def _end(self, future: asyncio.Future[GameServer], event: Mapping[str, Any]) -> None:
        if event["outcome"] == "ALLOCATED":
            server = GameServer.of(event["gameServer"])
            if future.done():  # its caller gave up a moment before
                self._on_orphan(server)
            else:
                future.set_result(server)
        elif not future.done():
            future.set_exception(AllocationError.of(event))

    # ---- the rest

    @property
    def connection(self) -> Connection:
        state = c.c_int32()
        reason = c.create_string_buffer(1024)
        self._call("proc_get_connection", c.byref(state), reason, len(reason))
        return Connection(ConnectionState(state.value), reason.value.decode("utf-8", "replace"))

    @property
    def stats(self) -> Stats:
        stats = Stats(struct_size=c.sizeof(Stats))
        self._call("proc_get_stats", c.byref(stats))
        return stats

    @property
    def version(self) -> str:
        """The release of the plugin that takes new requests."""
        if not self._library.can_swap:
            return self._library.version
        text = c.create_string_buffer(64)
        self._call("proc_get_plugin_version", text, len(text))
        return text.value.decode()

    def metrics_text(self) -> str:
        """For Prometheus."""
        metrics = _raw.Metrics(struct_size=c.sizeof(_raw.Metrics))
        self._call("proc_get_metrics", c.byref(metrics))
        text = c.create_string_buffer(1 << 18)
        self._library.call("proc_metrics_to_text", c.byref(self.stats), c.byref(metrics), text, len(text), None)
        return text.value.decode()

    async def swap(self, file: str | os.PathLike[str], *, sha256: str | None = None) -> SwapReport:
        """Replaces the plugin by another version; requests under way go on. Raises SwapError: the old one goes on."""
        if not self._library.can_swap:
            raise SwapError(f"{self._library.file} is a plugin: swapping needs the host library")
        self._call("proc_swap", os.fspath(file).encode(), sha256.encode() if sha256 else None)
        report = _raw.SwapReport(struct_size=c.sizeof(_raw.SwapReport))
        while True:
            self._poll()  # carries it on
            self._call("proc_get_swap_report", c.byref(report))
            if report.state != _raw.SwapState.RUNNING:
                break
            await asyncio.sleep(_SWAP_POLL)
        error = report.error.decode("utf-8", "replace")
        if report.state == _raw.SwapState.FAILED:
            raise SwapError(error)
        return SwapReport(report.from_version.decode(), report.to_version.decode(), report.moved, report.drained,
                          report.longest_gap_us / 1e6, bool(report.unloaded), error)

    async def drain(self, *, return_unsent: bool = False) -> None:
        """Takes no more requests, and waits until those under way have ended. return_unsent: what is not sent ends at once, as
        SHUTDOWN and NOT_SENT, with its request."""
        self._call("proc_drain", DrainFlags.RETURN_UNSENT if return_unsent else DrainFlags.FINISH)
        while self._waiting:
            await asyncio.wait(list(self._waiting.values()))

    async def close(self, timeout: float = 5.0) -> None:
        """Ends the client. Unsent requests end at once, sent ones are awaited for so many seconds. Can be called again."""
        if self._closing is None:
            self._closing = self._loop.create_task(self._close(round(timeout * 1000)))
        # Who gives up waiting does not end it for others.
        await asyncio.shield(self._closing)

    async def _close(self, timeout_ms: int) -> None:
        try:
            self._loop.remove_reader(self._fd)
            await self._loop.run_in_executor(None, self._shut_down, timeout_ms)
            while self._poll_once():
                pass
            self._call("proc_destroy")
            self._closed = True
        except BaseException:
            self._closing = None
            self._loop.add_reader(self._fd, self._poll)
            raise

    def _shut_down(self, timeout_ms: int) -> None:
        self._call("proc_shutdown", timeout_ms)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) and not self._closed:
            warnings.warn(f"{self!r} was not closed", ResourceWarning, source=self)
