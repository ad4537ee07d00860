import asyncio
from virtual import now, run


async def main():
    for seconds in (3, 2, 1):
        await asyncio.sleep(seconds)
    print(f"in turn: {now()} s")

    begin = now()
    async with asyncio.TaskGroup() as group:
        for seconds in (3, 2, 1):
            group.create_task(asyncio.sleep(seconds))
    print(f"at once: {now() - begin} s")


run(main())
