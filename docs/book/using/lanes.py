import asyncio
from virtual import run


async def job(seconds, error):
    await asyncio.sleep(seconds)
    if error:
        raise OSError(error)


async def show(*jobs):
    tasks = {}
    end = "all done"
    try:
        async with asyncio.TaskGroup() as group:
            for name, seconds, error in jobs:
                tasks[name] = group.create_task(job(seconds, error))
    except* OSError as errors:
        end = errors.exceptions[0]
    for name, task in tasks.items():
        if task.cancelled():
            print(f"[{name}] --X cancelled")
        elif task.exception():
            print(f"[{name}] --X failed")
        else:
            print(f"[{name}] --> done")
    print(end)


async def main():
    await show(("A", 1, None), ("B", 2, None))
    await show(("A", 1, None), ("B", 2, "broken"), ("C", 3, None))


run(main())
