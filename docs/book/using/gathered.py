import asyncio
from virtual import run


async def after(seconds):
    await asyncio.sleep(seconds)
    print(f"{seconds} is done")
    return seconds


async def main():
    print(await asyncio.gather(after(3), after(1), after(2)))


run(main())
