import asyncio
from virtual import run


async def number(word):
    await asyncio.sleep(1)
    return int(word)


async def main():
    words = ["1", "x", "3"]
    numbers = await asyncio.gather(*map(number, words), return_exceptions=True)
    for word, number_or_error in zip(words, numbers):
        if isinstance(number_or_error, ValueError):
            print(f"{word} is no number")
        else:
            print(f"{word} is {number_or_error}")


run(main())
