import asyncio
from virtual import now, run


async def breaks():
    await asyncio.sleep(1)
    raise OSError("broken")


async def main():
    try:
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(asyncio.sleep(60))
            group.create_task(breaks())
            await slow
            print("this line is not reached")
    except* OSError as errors:
        print(errors.exceptions[0], f"after {now()} s")


run(main())
