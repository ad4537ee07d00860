import asyncio
from virtual import run

LINKS = {"/": ["/a", "/b"], "/a": ["/b", "/c"]}


async def visit(group, page, seen):
    await asyncio.sleep(1)
    for link in LINKS.get(page, []):
        if link not in seen:
            seen.append(link)
            group.create_task(visit(group, link, seen))


async def main():
    seen = ["/"]
    async with asyncio.TaskGroup() as group:
        group.create_task(visit(group, "/", seen))
    print("read", *seen)


run(main())
