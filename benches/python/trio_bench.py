"""The workloads on Trio's nursery: trio_bench.py WORKLOAD N prints a line of JSON, as `one` does.

The same operations as in src/tasks, in the words of Trio. Each process measures once, after a warm-up: at these speeds
a measurement is always long enough.
"""

import json
import resource
import sys
import time

import trio
import trio.testing

CPU = time.thread_time_ns
ABSENT = 3


def timed(batch, operations, long=200_000_000):
    """Repeats an async function until it has taken long enough; nanoseconds for each operation."""

    async def run():
        await batch()
        done, start = 0, CPU()
        while True:
            await batch()
            done += operations
            taken = CPU() - start
            if taken >= long:
                return done, taken / done

    return trio.run(run)


def once(batch, operations):
    """The same for what is done once, in fresh memory."""

    async def run():
        start = CPU()
        await batch()
        return operations, (CPU() - start) / operations

    return trio.run(run)


def measured(batch, n):
    return once(batch, n) if n >= 100_000 else timed(batch, n)


def spawn_join(n):
    count = 0

    async def child(i):
        nonlocal count
        count += i

    async def batch():
        async with trio.open_nursery() as nursery:
            for i in range(n):
                nursery.start_soon(child, i)

    return measured(batch, n)


async def with_waiting(n, then):
    """n tasks wait for ever; when all do, `then` runs, and they are cancelled."""
    begun, all_wait = 0, trio.Event()

    async def wait():
        nonlocal begun
        begun += 1
        if begun == n:
            all_wait.set()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        for _ in range(n):
            nursery.start_soon(wait)
        await all_wait.wait()
        value = then()
        nursery.cancel_scope.cancel()
    return value


def cancel(n):
    async def run():
        start = await with_waiting(n, CPU)
        return n, (CPU() - start) / n

    return trio.run(run)


def memory(n):
    def resident():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()

    before = resident()
    return n, {"rss": (trio.run(with_waiting, n, resident) - before) / n}


def yields(n):
    async def child():
        for _ in range(50):
            await trio.lowlevel.checkpoint()

    async def batch():
        async with trio.open_nursery() as nursery:
            for _ in range(n):
                nursery.start_soon(child)

    return timed(batch, n * 50)


class Bell:
    """The bare cell: a parked task."""

    def __init__(self):
        self.rung, self.waiting = False, None

    def ring(self):
        if self.waiting is None:
            self.rung = True
        else:
            trio.lowlevel.reschedule(self.waiting)
            self.waiting = None

    async def wait(self):
        if self.rung:
            self.rung = False
            return
        self.waiting = trio.lowlevel.current_task()

        def abort(_):
            self.waiting = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)


async def rounds_with(there, back, children, times=1_000, long=200_000_000):
    """Rings one of `there` and waits for `back`, again and again, beside the children."""
    async with trio.open_nursery() as nursery:
        for child in children:
            nursery.start_soon(*child)
        await trio.testing.wait_all_tasks_blocked()
        done, start = 0, CPU()
        while True:
            for _ in range(times):
                done += 1
                there[done * 7_919 % len(there)].ring()
                await back.wait()
            taken = CPU() - start
            if taken >= long:
                break
        nursery.cancel_scope.cancel()
    return done, taken / done


async def answer(there, back):
    while True:
        await there.wait()
        back.ring()


def ping_pong_cell(_):
    there, back = Bell(), Bell()
    return trio.run(rounds_with, [there], back, [(answer, there, back)])


def ping_pong_channel(_):
    async def echo(receive, send):
        async for message in receive:
            await send.send(message)

    async def run():
        to_echo, there = trio.open_memory_channel(1)
        to_caller, back = trio.open_memory_channel(1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(echo, there, to_caller)
            done, start = 0, CPU()
            while CPU() - start < 200_000_000:
                for i in range(1_000):
                    await to_echo.send(i)
                    await back.receive()
                done += 1_000
            taken = CPU() - start
            nursery.cancel_scope.cancel()
        return done, taken / done

    return trio.run(run)


def wake_one(n):
    bells, back = [Bell() for _ in range(n)], Bell()
    return trio.run(rounds_with, bells, back, [(answer, bell, back) for bell in bells])


def nested(depth):
    if depth > 100:
        sys.exit(ABSENT)  # the interpreter's limit of recursion
    there, back = Bell(), Bell()

    async def level(left):
        if left == 0:
            await answer(there, back)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(level, left - 1)

    return trio.run(rounds_with, [there], back, [(level, depth)], 100)


def tree(n):
    async def fib(n):
        if n < 2:
            return n
        results = []

        async def half(n):
            results.append(await fib(n))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(half, n - 1)
            nursery.start_soon(half, n - 2)
        return sum(results)

    nodes = [1, 1]
    while len(nodes) <= n:
        nodes.append(1 + nodes[-1] + nodes[-2])

    async def batch():
        await fib(n)

    return timed(batch, nodes[n])


def sleeps(n):
    async def batch():
        async with trio.open_nursery() as nursery:
            for i in range(n):
                nursery.start_soon(trio.sleep, (1 + i * 7_919 % n) * 1e-6)

    return once(batch, n)


def timeout(_):
    async def batch():
        for _ in range(100):
            with trio.fail_after(10):
                await trio.lowlevel.checkpoint()

    return timed(batch, 100)


def lateness(n):
    async def run():
        late = []
        for i in range(n):
            length = 1_001_000 + i * 2_718 % 4_000 * 1_000
            start = time.monotonic_ns()
            await trio.sleep(length / 1e9)
            late.append(time.monotonic_ns() - start - length)
        return sorted(late)

    late = trio.run(run)
    return n, {"p50": late[n // 2], "p99": late[n * 99 // 100]}


def start(_):
    async def nothing():
        pass

    trio.run(nothing)
    begin, done = CPU(), 0
    while CPU() - begin < 200_000_000:
        trio.run(nothing)
        done += 1
    return done, (CPU() - begin) / done


WORKLOADS = {
    "spawn-join": spawn_join,
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
    print(json.dumps({"workload": workload, "peer": "trio", "n": n, "operations": operations, "values": values}))


main()
