import asyncio
from virtual import now, run


def say(what):
    print(f"  {now()} s: {what}")


async def work(name, seconds, error=None):
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        say(f"{name} is cancelled")
        raise
    if error:
        raise OSError(error)
    say(f"{name} is done")
    return name


async def main():
    print("one fails (claims 4 and 5)")
    try:
        await asyncio.gather(work("a", 1, "a broke"), work("b", 2))
    except OSError as error:
        say(f"gather raises {error!r}")
    await asyncio.sleep(2)

    print("one fails, with return_exceptions (claim 6)")
    say(await asyncio.gather(work("c", 2), work("d", 1, "d broke"), return_exceptions=True))

    print("one is cancelled (claim 12)")
    tasks = [asyncio.create_task(work("e", 2)), asyncio.create_task(work("f", 2))]
    asyncio.get_running_loop().call_later(1, tasks[0].cancel)
    try:
        await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        say("gather raises CancelledError")
    await asyncio.sleep(2)

    print("the gather is cancelled (claim 4, the one way it is right)")
    try:
        async with asyncio.timeout(1):
            await asyncio.gather(work("g", 2), work("h", 2))
    except TimeoutError:
        say("the timeout is over")


run(main())
