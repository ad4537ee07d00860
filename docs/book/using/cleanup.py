import asyncio
from virtual import now, run


async def use(name):
    try:
        await asyncio.sleep(1)
        if name == "db":
            raise OSError("db is down")
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(2)  # say goodbye
        print(f"{name} closed after {now()} s")


async def main():
    try:
        async with asyncio.TaskGroup() as group:
            for name in ["db", "cache"]:
                group.create_task(use(name))
    except* OSError as errors:
        print(errors.exceptions[0])


run(main())
