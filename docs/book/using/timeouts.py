import asyncio
from virtual import run


async def answer(seconds):
    try:
        async with asyncio.timeout(5):
            await asyncio.sleep(seconds)
            return seconds
    except TimeoutError:
        return None


async def main():
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(answer(seconds)) for seconds in (1, 9, 2)]
    for task in tasks:
        print(task.result() or "too late")


run(main())
