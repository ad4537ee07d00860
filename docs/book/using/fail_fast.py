import asyncio
from virtual import now, run


async def size(page):
    await asyncio.sleep(len(page))
    if page == "/b":
        raise OSError("/b is gone")
    return len(page)


async def sizes(pages):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(size(page)) for page in pages]
    return [task.result() for task in tasks]


async def main():
    print(await sizes(["/index", "/about"]), f"after {now()} s")
    try:
        await sizes(["/index", "/b", "/about"])
    except* OSError as errors:
        print(errors.exceptions[0], f"after {now()} s")


run(main())
