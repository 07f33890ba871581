"""Echoes every message, with the `websockets` package.

It listens on 127.0.0.1 at the port that is its only argument, writes "ready"
once it does, and on SIGTERM says goodbye to everybody (1001) and ends. It
sends no pings of its own: who beats is the client's affair here.
"""

import asyncio
import signal
import sys

import websockets


async def echo(connection, path=None):
    try:
        async for message in connection:
            await connection.send(message)
    except websockets.ConnectionClosed:
        pass


async def main(port):
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with websockets.serve(echo, "127.0.0.1", port, ping_interval=None):
        print("ready", flush=True)
        await stopped.wait()


asyncio.run(main(int(sys.argv[1])))
