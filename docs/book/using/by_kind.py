import asyncio
from virtual import run


async def load(item):
    match item:
        case "":
            raise OSError("no such file")
        case "!":
            raise RuntimeError("out of paper")
        case number:
            return int(number)


async def main():
    try:
        async with asyncio.TaskGroup() as group:
            for item in ["7", "seven", "", "!"]:
                group.create_task(load(item))
    except* ValueError as errors:
        print(f"no number: {len(errors.exceptions)}")
    except* OSError as errors:
        print(f"no file: {len(errors.exceptions)}")


try:
    run(main())
except ExceptionGroup as rest:
    print(f"goes on: {rest.exceptions[0]}")
