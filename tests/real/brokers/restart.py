"""Runs `examples/mqtt --check` against mosquitto, which is killed and started
again while messages are under way, and reads the last line as a program would.

    python3 tests/real/brokers/restart.py target/debug/examples/mqtt
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

MESSAGES = 150
# The restarts come when as many messages were acknowledged.
RESTARTS = {40: "terminate", 90: "kill"}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


def start_broker(config, port):
    broker = subprocess.Popen([shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin"), "-c", config],
                              stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not answers(port):
        assert broker.poll() is None and time.monotonic() < deadline, "mosquitto does not start"
        time.sleep(0.02)
    return broker


def main(program):
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "mosquitto.conf")
        with open(config, "w") as file:
            file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        broker = start_broker(config, port)
        client = subprocess.Popen([program, f"127.0.0.1:{port}", "longlink/check", "--check", "--messages",
                                   str(MESSAGES)], stdout=subprocess.PIPE, text=True)
        try:
            for line in client.stdout:
                print(line, end="")
                how = RESTARTS.get(int(line.split()[1])) if line.startswith("acknowledged ") else None
                if how:
                    getattr(broker, how)()
                    broker.wait()
                    print(f"mosquitto is gone ({how}) and started again")
                    broker = start_broker(config, port)
            assert client.wait() == 0, "the example failed"
        finally:
            for process in (client, broker):
                process.kill()
                process.wait()
    told = json.loads(line)
    assert list(told) == ["acknowledged", "sent_again", "received", "twice", "links"], told
    assert told["acknowledged"] == told["received"] == MESSAGES, told
    # One message at a time is under way: each restart can make one uncertain.
    assert told["sent_again"] <= len(RESTARTS) and told["twice"] <= told["sent_again"], told
    assert told["links"] == 1 + len(RESTARTS), told


main(sys.argv[1])
