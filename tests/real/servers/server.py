"""A server of many ways, with the `websockets` package; server.js is the same in Node.

Its arguments are the port of 127.0.0.1 to listen on, a file to keep a journal
in, and the longest message that it takes. It writes "ready" once it listens,
sends no pings but those it is asked for, has permessage-deflate switched on, and
on SIGTERM says goodbye to everybody (1001) and ends.

What it does with a client says the path:

    /echo             sends every message back
    /fragments/SIZE   the same, in fragments of so many bytes, with a ping after each
    /pings            sends ten pings, then echoes
    /big/SIZE         answers each message with one of so many bytes
    /pieces/SIZE      the same, in fragments
    /close/CODE       answers each message with a goodbye
    /rsv1             answers each message with a frame that has RSV1 set
    /deaf             reads nothing

The journal has a line for each thing that happened, in order: "open EXTENSIONS",
"message TEXT" (or "message SIZE" where it is long), "pong PAYLOAD" and "closed
CODE REASON", the code being the client's or nothing.
"""

import asyncio
import os
import signal
import sys

import websockets

LONG = 100


class Journal:
    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, *words):
        os.write(self.file, (" ".join(str(word) for word in words).strip() + "\n").encode())


def extensions(connection):
    # Older versions of the package have no protocol.
    agreed = getattr(connection, "protocol", connection).extensions
    return ",".join(extension.name for extension in agreed)


async def pieces(connection, message, size):
    for at in range(0, len(message), size):
        yield message[at : at + size]
        await connection.ping()


async def answer(connection, way, number, message):
    if way in ("echo", "pings"):
        await connection.send(message)
    elif way == "fragments":
        await connection.send(pieces(connection, message, number))
    elif way == "big":
        await connection.send(b"b" * number)
    elif way == "pieces":
        await connection.send(pieces(connection, b"b" * number, 1_000))
    elif way == "close":
        await connection.close(code=number, reason="told so")
    elif way == "rsv1":
        connection.transport.write(b"\xc1\x02no")
    else:
        raise ValueError(way)


async def ping(connection, journal, number):
    payload = f"ping {number}"
    await (await connection.ping(payload))
    journal.note("pong", payload)


async def serve(connection, journal):
    # Older versions of the package have no request.
    path = getattr(connection, "request", connection).path
    way, _, number = path[1:].partition("/")
    number = int(number or 0)
    journal.note("open", extensions(connection))
    if way == "deaf":
        connection.transport.pause_reading()
    try:
        if way == "pings":
            for each in range(10):
                await ping(connection, journal, each)
        while True:
            message = await connection.recv()
            journal.note("message", message if len(message) <= LONG else len(message))
            try:
                await answer(connection, way, number, message)
            except websockets.ConnectionClosed:
                # What came before the end is still to be read.
                pass
    except websockets.ConnectionClosed as end:
        said = end.rcvd
        journal.note("closed", *([said.code, said.reason] if said else []))


async def main(port, journal, longest):
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    journal = Journal(journal)
    async with websockets.serve(
        lambda connection, *_: serve(connection, journal),
        "127.0.0.1",
        port,
        ping_interval=None,
        compression="deflate",
        max_size=longest,
    ):
        print("ready", flush=True)
        await stopped.wait()


asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
