"""Runs awaitables and async generators from code that is not async."""

from __future__ import annotations

import asyncio
from typing import Any, Iterator


async def awaited(awaitable: Any) -> Any:
    """The result of any awaitable, as a coroutine, which `run_until_complete` takes."""
    return await awaitable


def steps(records: Any, loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    """The items of an async generator, each awaited on the loop. Closing this generator closes that one."""
    try:
        while True:
            try:
                item = loop.run_until_complete(awaited(records.__anext__()))
            except StopAsyncIteration:
                return
            yield item
    finally:
        loop.run_until_complete(awaited(records.aclose()))
