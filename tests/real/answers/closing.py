"""Ends links as it is told, with the `websockets` package.

It listens on 127.0.0.1 at the port that is its only argument and writes
"ready" once it does. A path other than "/" is what it does at once, without a
word before. Otherwise it greets the client, so that something was received,
waits for a message and does what that says:

    close/CODE      the library's own goodbye, with a reason
    raw/CODE        a Close frame with a code that the library refuses to send
    empty           a Close frame without a code
    fin             ends the stream without a goodbye
    rst             resets the connection
    nonsense        a frame that no version of the protocol knows
    big/SIZE        a message of so many bytes
    echo            echoes every message from then on
"""

import asyncio
import socket
import struct
import sys

import websockets


async def end(connection, order):
    word, _, number = order.partition("/")
    transport = connection.transport
    if word == "close":
        await connection.close(code=int(number), reason="told so")
    elif word == "raw":
        transport.write(b"\x88\x02" + struct.pack("!H", int(number)))
    elif word == "empty":
        transport.write(b"\x88\x00")
    elif word == "fin":
        transport.close()
    elif word == "rst":
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    elif word == "nonsense":
        transport.write(b"\xff\x00")
    elif word == "big":
        await connection.send(b"\0" * int(number))
    elif word == "echo":
        async for message in connection:
            await connection.send(message)
    else:
        raise ValueError(order)
    await connection.wait_closed()


async def serve(connection):
    # Older versions of the package have no request.
    path = getattr(connection, "request", connection).path
    try:
        order = path[1:]
        if not order:
            await connection.send("hello")
            order = await connection.recv()
        await end(connection, order)
    except websockets.ConnectionClosed:
        pass


async def main(port):
    async with websockets.serve(serve, "127.0.0.1", port, ping_interval=None):
        print("ready", flush=True)
        await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1])))
