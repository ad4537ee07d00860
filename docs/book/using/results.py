import asyncio
from virtual import run


async def price(of):
    await asyncio.sleep(1)
    return len(of)


async def main():
    async with asyncio.TaskGroup() as group:
        tea = group.create_task(price("tea"))
        coffee = group.create_task(price("coffee"))
    print(f"tea {tea.result()}, coffee {coffee.result()}")


run(main())
