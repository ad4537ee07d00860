import asyncio
from virtual import now, run


async def search(parent):
    await asyncio.sleep(1)
    parent.cancel("found")


async def parent():
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(60))
        group.create_task(search(asyncio.current_task()))


async def main():
    try:
        await asyncio.create_task(parent())
    except asyncio.CancelledError as why:
        print(f"cancelled: {why}, after {now()} s")


run(main())
