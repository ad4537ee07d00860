import asyncio
from virtual import run


async def fetch(page, seconds):
    await asyncio.sleep(seconds)
    if page == "/b":
        raise OSError("/b is gone")
    return page.upper()


async def main():
    tasks = {}
    try:
        async with asyncio.TaskGroup() as group:
            for page, seconds in [("/a", 1), ("/b", 2), ("/c", 3)]:
                tasks[page] = group.create_task(fetch(page, seconds))
    except* OSError as errors:
        print(f"errors: {len(errors.exceptions)}")
    for page, task in tasks.items():
        if task.cancelled():
            print(f"{page}: cancelled")
        elif task.exception():
            print(f"{page}: failed: {task.exception()}")
        else:
            print(f"{page}: {task.result()}")


run(main())
