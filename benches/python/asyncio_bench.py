"""The workloads on asyncio's TaskGroup: asyncio_bench.py WORKLOAD N prints a line of JSON, as `one` does.

The same operations as in src/tasks, in the words of asyncio. Each process measures once, after a warm-up: at these
speeds a measurement is always long enough.
"""

import asyncio
import json
import resource
import sys
import time

CPU = time.thread_time_ns
ABSENT = 3


def timed(batch, operations, long=200_000_000):
    """Repeats a coroutine function until it has taken long enough; nanoseconds for each operation."""

    async def run():
        await batch()
        done, start = 0, CPU()
        while True:
            await batch()
            done += operations
            taken = CPU() - start
            if taken >= long:
                return done, taken / done

    return asyncio.run(run())


def once(batch, operations):
    """The same for what is done once, in fresh memory."""

    async def run():
        start = CPU()
        await batch()
        return operations, (CPU() - start) / operations

    return asyncio.run(run())


def measured(batch, n):
    return once(batch, n) if n >= 100_000 else timed(batch, n)


def spawn_join(n):
    count = 0

    async def child(i):
        nonlocal count
        count += i

    async def batch():
        async with asyncio.TaskGroup() as g:
            for i in range(n):
                g.create_task(child(i))

    return measured(batch, n)


def spawn_sum(n):
    async def child(i):
        return i

    async def batch():
        async with asyncio.TaskGroup() as g:
            tasks = [g.create_task(child(i)) for i in range(n)]
            assert sum([await task for task in tasks]) == n * (n - 1) // 2

    return measured(batch, n)


async def with_waiting(n, then):
    """n tasks wait for ever; when all do, `then` runs, and they are cancelled."""
    begun, all_wait = 0, asyncio.Event()

    async def wait():
        nonlocal begun
        begun += 1
        if begun == n:
            all_wait.set()
        await asyncio.get_running_loop().create_future()

    async with asyncio.TaskGroup() as g:
        tasks = [g.create_task(wait()) for _ in range(n)]
        await all_wait.wait()
        value = then()
        for task in tasks:
            task.cancel()
    return value


def cancel(n):
    async def run():
        start = await with_waiting(n, CPU)
        return n, (CPU() - start) / n

    return asyncio.run(run())


def memory(n):
    def resident():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()

    before = resident()
    return n, {"rss": (asyncio.run(with_waiting(n, resident)) - before) / n}


def yields(n):
    async def child():
        for _ in range(50):
            await asyncio.sleep(0)

    async def batch():
        async with asyncio.TaskGroup() as g:
            for _ in range(n):
                g.create_task(child())

    return timed(batch, n * 50)


class Bell:
    """The bare cell: a future for each wait."""

    def __init__(self):
        self.rung, self.waiting = False, None

    def ring(self):
        if self.waiting is None:
            self.rung = True
        else:
            self.waiting.set_result(None)
            self.waiting = None

    async def wait(self):
        if self.rung:
            self.rung = False
            return
        self.waiting = asyncio.get_running_loop().create_future()
        await self.waiting


async def rounds_with(there, back, children, times=1_000, long=200_000_000):
    """Rings one of `there` and waits for `back`, again and again, beside the children."""
    async with asyncio.TaskGroup() as g:
        tasks = [g.create_task(child) for child in children]
        await asyncio.sleep(0)
        done, start = 0, CPU()
        while True:
            for _ in range(times):
                done += 1
                there[done * 7_919 % len(there)].ring()
                await back.wait()
            taken = CPU() - start
            if taken >= long:
                break
        for task in tasks:
            task.cancel()
    return done, taken / done


async def answer(there, back):
    while True:
        await there.wait()
        back.ring()


def ping_pong_cell(_):
    there, back = Bell(), Bell()
    return asyncio.run(rounds_with([there], back, [answer(there, back)]))


def ping_pong_channel(_):
    async def echo(there, back):
        while True:
            await back.put(await there.get())

    async def run():
        there, back = asyncio.Queue(1), asyncio.Queue(1)

        async def batch():
            for i in range(1_000):
                await there.put(i)
                await back.get()

        async with asyncio.TaskGroup() as g:
            task = g.create_task(echo(there, back))
            done, start = 0, CPU()
            while CPU() - start < 200_000_000:
                await batch()
                done += 1_000
            taken = CPU() - start
            task.cancel()
        return done, taken / done

    return asyncio.run(run())


def wake_one(n):
    bells, back = [Bell() for _ in range(n)], Bell()
    return asyncio.run(rounds_with(bells, back, [answer(bell, back) for bell in bells]))


def nested(depth):
    if depth > 100:
        sys.exit(ABSENT)  # the interpreter's limit of recursion
    there, back = Bell(), Bell()

    async def level(left):
        if left == 0:
            await answer(there, back)
        async with asyncio.TaskGroup() as g:
            g.create_task(level(left - 1))

    return asyncio.run(rounds_with([there], back, [level(depth)], times=100))


def tree(n):
    async def fib(n):
        if n < 2:
            return n
        async with asyncio.TaskGroup() as g:
            one, other = g.create_task(fib(n - 1)), g.create_task(fib(n - 2))
        return one.result() + other.result()

    nodes = [1, 1]
    while len(nodes) <= n:
        nodes.append(1 + nodes[-1] + nodes[-2])

    async def batch():
        await fib(n)

    return timed(batch, nodes[n])


def sleeps(n):
    async def batch():
        async with asyncio.TaskGroup() as g:
            for i in range(n):
                g.create_task(asyncio.sleep((1 + i * 7_919 % n) * 1e-6))

    return once(batch, n)


def timeout(_):
    async def batch():
        for _ in range(100):
            async with asyncio.timeout(10):
                await asyncio.sleep(0)

    return timed(batch, 100)


def lateness(n):
    async def run():
        late = []
        for i in range(n):
            length = 1_001_000 + i * 2_718 % 4_000 * 1_000
            start = time.monotonic_ns()
            await asyncio.sleep(length / 1e9)
            late.append(time.monotonic_ns() - start - length)
        return sorted(late)

    late = asyncio.run(run())
    return n, {"p50": late[n // 2], "p99": late[n * 99 // 100]}


def start(_):
    async def nothing():
        pass

    asyncio.run(nothing())
    begin, done = CPU(), 0
    while CPU() - begin < 200_000_000:
        asyncio.run(nothing())
        done += 1
    return done, (CPU() - begin) / done


WORKLOADS = {
    "spawn-join": spawn_join,
    "spawn-sum": spawn_sum,
    "memory": memory,
    "cancel": cancel,
    "yield": yields,
    "ping-pong-cell": ping_pong_cell,
    "ping-pong-channel": ping_pong_channel,
    "wake-by-ref": wake_one,
    "nested": nested,
    "tree": tree,
    "sleeps": sleeps,
    "timeout": timeout,
    "lateness": lateness,
    "start": start,
}


def main():
    workload, n = sys.argv[1], int(sys.argv[2])
    if workload not in WORKLOADS:
        sys.exit(ABSENT)
    operations, value = WORKLOADS[workload](n)
    values = value if isinstance(value, dict) else {"ns": value}
    print(json.dumps({"workload": workload, "peer": "asyncio", "n": n, "operations": operations, "values": values}))


main()
