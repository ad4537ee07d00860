import asyncio
from virtual import now, run


def say(what):
    print(f"  {now()} s: {what}")


async def work(name, seconds, error=None, goodbye=0):
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if goodbye:
            await asyncio.sleep(goodbye)
            raise OSError(f"{name} could not say goodbye")
        say(f"{name} is cancelled")
        raise
    if error:
        raise OSError(error)
    say(f"{name} is done")
    return name


async def main():
    print("one fails (claims 1, 7 and 11)")
    try:
        async with asyncio.TaskGroup() as group:
            a = group.create_task(work("a", 1))
            group.create_task(work("b", 2, "b broke"))
            group.create_task(work("c", 3))
            await work("the body", 3)
    except* OSError as errors:
        say(f"the group raises {errors!r}")
    say(f"the result of a: {a.result()}")

    print("several fail (claim 2)")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(work("d", 9, goodbye=2))
            group.create_task(work("e", 9, goodbye=1))
            await work("the body", 1, "the body broke")
    except* OSError as errors:
        say([str(error) for error in errors.exceptions])

    print("nobody fails (claim 3)")
    async with asyncio.TaskGroup() as group:
        group.create_task(work("f", 2))
        say("the body is over")
    say("the group is over")

    print("without create_task (claim 9)")
    async with asyncio.TaskGroup():
        await work("g", 1)
        await work("h", 1)

    print("too early, late and too late (claim 10)")
    group = asyncio.TaskGroup()

    async def spawn(name):
        task = work(name, 1)
        try:
            group.create_task(task)
        except RuntimeError:
            say(f"{name} is refused")
            task.close()

    await spawn("i")
    async with group:
        group.create_task(spawn("j"))  # runs when the body is over
    await spawn("k")


run(main())
