#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scenarios of tests/bindings/scenarios.json: scenarios.py SCENARIO LIBRARY ADDRESS NEXT_PLUGIN"""
from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import statistics
import sys
import time
from typing import Any, Awaitable, Callable, Dict

import agones_processor as agones

ANY = {"namespace": "default"}
ROUNDS, UNDER_WAY = 6, 10_000
Result = Dict[str, Any]
SCENARIO, LIBRARY, ADDRESS, NEXT_PLUGIN = sys.argv[1:5]
orphans: asyncio.Queue[agones.GameServer]


def client(**settings: Any) -> agones.Client:
    return agones.Client(ADDRESS, library=LIBRARY or None, on_orphan=orphans.put_nowait, transport="plaintext", **settings)


def described(error: agones.AllocationError) -> Result:
    return {"outcome": error.outcome.name, "delivery": error.delivery.name, "code": error.code, "message": error.message,
            "request": error.request == ANY}


async def failure(waiting: Awaitable[agones.GameServer]) -> agones.AllocationError:
    try:
        raise AssertionError(await waiting)
    except agones.AllocationError as error:
        return error


def refusal(call: Callable[[], Any]) -> agones.ProcessorError:
    try:
        raise AssertionError(call())
    except agones.ProcessorError as error:
        return error


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def thousand() -> Result:
    async with client() as processor:
        servers = await asyncio.gather(*(processor.allocate(ANY) for _ in range(1000)))
        return {"names": [server.name for server in servers]}


async def burst() -> Result:
    processor = client()
    waiting = [processor.submit(ANY) for _ in range(3000)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    await processor.close()
    ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 60)
    return {"ended": len(ended)}


async def close_twice() -> Result:
    processor = client()
    waiting = [processor.submit(ANY) for _ in range(3000)]
    await asyncio.gather(processor.close(), processor.close())
    await processor.close()
    ended = await asyncio.wait_for(asyncio.gather(*(failure(one) for one in waiting)), 60)
    return {"shutDown": sum(one.outcome == agones.Outcome.SHUTDOWN for one in ended)}


async def tasks() -> Result:
    names: list[str] = []
    async with client() as processor:
        async def task() -> None:
            for _ in range(5):
                names.append((await processor.allocate(ANY)).name)
        await asyncio.gather(*(task() for _ in range(100)))
        return {"names": names}


async def server() -> Result:
    async with client() as processor:
        got = await processor.allocate({**ANY, "metadata": {"labels": {"mode": "arena"}}})
        return {"name": got.name, "address": got.address, "node": got.node_name, "source": got.source, "port": got.ports["default"],
                "label": got.response["metadata"]["labels"]["mode"]}


async def protobuf() -> Result:
    async with client() as processor:
        return {"name": (await processor.allocate(b"\x0a\x07default")).name}


async def manifest() -> Result:
    allocation = {"kind": "GameServerAllocation",
                  "spec": {"selectors": [{"matchLabels": {"agones.dev/fleet": "local"}, "gameServerState": "Ready"}]}}
    async with client() as processor:
        error = refusal(lambda: processor.submit(allocation))
        return {"named": "MANIFEST" in error.message, "name": (await processor.allocate(allocation, manifest=True)).name}


async def unknown_fields() -> Result:
    body: Dict[str, Any] = {**ANY, "metadata": None, "gameServerSelectors": [{"matchLabels": None, "players": {"minAvailable": 1}}]}
    async with client(unknown_fields="ignore") as processor:
        return {"name": (await processor.allocate(body)).name}


async def rejected() -> Result:
    async with client() as processor:
        return described(await failure(processor.allocate({"namespace": "nowhere"})))


async def timeout_not_sent() -> Result:
    async with client() as processor:
        return described(await failure(processor.allocate(ANY, timeout=0.05)))


async def orphan() -> Result:
    async with client() as processor:
        result = described(await failure(processor.allocate(ANY, timeout=2)))
        return {**result, "orphan": (await orphans.get()).name}


async def cancelled() -> Result:
    async with client() as processor:
        gave_up = False
        try:
            await asyncio.wait_for(processor.allocate(ANY), 0.05)
        except asyncio.TimeoutError:
            gave_up = True
        await until(lambda: processor.stats.cancelled == 1)
        return {"gaveUp": gave_up, "cancelled": processor.stats.cancelled}


async def cancelled_sent() -> Result:
    async with client() as processor:
        task = asyncio.ensure_future(processor.allocate(ANY))
        await until(lambda: processor.stats.in_flight == 1)
        task.cancel()
        return {"orphan": (await orphans.get()).name}


async def disconnected() -> Result:
    async with client(fail_fast=True) as processor:
        return described(await failure(processor.allocate(ANY)))


async def shutdown() -> Result:
    processor = client()
    waiting = processor.submit(ANY)
    await processor.close()
    return {**described(await failure(waiting)), "afterwards": refusal(lambda: processor.submit(ANY)).status.name}


async def queue_full() -> Result:
    async with client(max_pending_requests=1) as processor:
        waiting = processor.submit(ANY)
        error = refusal(lambda: processor.submit(ANY))
        waiting.cancel()
        return {"status": error.status.name}


async def malformed() -> Result:
    setting = refusal(lambda: client(max_batch=1))
    async with client() as processor:
        error = refusal(lambda: processor.submit({"nmespace": "default"}))
        return {"status": error.status.name, "named": "nmespace" in error.message, "setting": setting.status.name,
                "settingNamed": "max_batch" in setting.message, "name": (await processor.allocate(ANY)).name}


async def drain() -> Result:
    async with client() as processor:
        waiting = processor.submit(ANY)
        await processor.drain(return_unsent=True)
        return {**described(await failure(waiting)), "afterwards": refusal(lambda: processor.submit(ANY)).status.name}


async def connection() -> Result:
    told: list[agones.Connection] = []
    async with client(on_connection=told.append) as processor:
        await until(lambda: any(one.state == agones.ConnectionState.SERVING for one in told))
        return {"told": told[-1].state.name, "state": processor.connection.state.name, "streams": processor.stats.streams}


async def logs() -> Result:
    kinds: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kinds.append(record.__dict__["processor_kind"])

    logger = logging.getLogger("scenario")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(Keep())
    async with client(log_level="info", logger=logger):
        await until(lambda: "stream_opened" in kinds)
        return {"logged": True}


async def swap() -> Result:
    names: list[str] = []
    async with client() as processor:
        async def task() -> None:
            for _ in range(10):
                names.append((await processor.allocate(ANY)).name)
        running = asyncio.gather(*(task() for _ in range(100)))
        await until(lambda: len(names) >= 200)
        report = await processor.swap(NEXT_PLUGIN)
        await running
        return {"names": names, "from": report.from_version, "to": report.to_version, "version": processor.version}


async def swap_refused() -> Result:
    async with client() as processor:
        refused = False
        try:
            await processor.swap("/nowhere.so")
        except agones.SwapError:
            refused = True
        return {"refused": refused, "name": (await processor.allocate(ANY)).name}


async def exit() -> Result:  # pylint: disable=redefined-builtin
    processor = client()
    for _ in range(100):
        processor.submit(ANY)
    await until(lambda: processor.stats.in_flight > 0)
    print(json.dumps({"underWay": processor.stats.pending}), flush=True)
    logging.disable()
    sys.exit(0)


async def bench() -> Result:
    """Nanoseconds to submit, and to deliver what waits; microseconds of CPU, all threads, for each of 10,000 under way."""
    allocate: list[float] = []
    deliver: list[float] = []
    cpu: list[float] = []
    async with client() as processor:
        for number in range(ROUNDS):
            cpu_before, before = time.process_time(), time.perf_counter()
            futures = [processor.submit(ANY) for _ in range(UNDER_WAY)]
            allocate.append(time.perf_counter() - before)
            while processor.stats.allocated < (number + 1) * UNDER_WAY:
                time.sleep(0.005)
            before = time.perf_counter()
            await asyncio.gather(*futures)
            deliver.append(time.perf_counter() - before)
            cpu.append(time.process_time() - cpu_before)
    last = [statistics.median(one[-3:]) / UNDER_WAY for one in (allocate, deliver, cpu)]
    return {"allocateNs": last[0] * 1e9, "eventNs": last[1] * 1e9, "cpuUs": last[2] * 1e6}


def in_child(status: Any) -> None:
    async def try_it() -> None:
        try:
            client()
        except agones.Forked:
            status.value = 1
    asyncio.run(try_it())


async def fork() -> Result:
    """As gunicorn and multiprocessing do it: the parent has a client already."""
    async with client():
        context = multiprocessing.get_context("fork")
        status: Any = context.Value("i", 0)
        child = context.Process(target=in_child, args=(status,))
        child.start()
        await asyncio.get_running_loop().run_in_executor(None, child.join)
        assert child.exitcode == 0 and status.value == 1, (child.exitcode, status.value)
        return {"forked": True}


async def main() -> None:
    global orphans  # pylint: disable=global-statement
    orphans = asyncio.Queue()
    print(json.dumps(await globals()[SCENARIO]()))


if __name__ == "__main__":
    asyncio.run(main())
