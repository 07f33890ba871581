// A server of many ways, with the package `ws`; server.py says which, and what it
// writes. One more is here: /extension answers the upgrade with an extension that
// the client did not offer.

"use strict";

const fs = require("fs");
const http = require("http");
const { WebSocketServer } = require("ws");

const [port, path, longest] = process.argv.slice(2);
const LONG = 100;

const file = fs.openSync(path, "a");
const note = (...words) => fs.writeSync(file, words.join(" ").trim() + "\n");

const send = (socket, data, binary, options = {}) =>
  socket.send(data, { binary, ...options }, () => {
    // A client that has gone is no error here.
  });

function fragments(socket, data, binary, size) {
  for (let at = 0; at < data.length; at += size) {
    send(socket, data.subarray(at, at + size), binary, { fin: at + size >= data.length });
    socket.ping("", false, () => {});
  }
}

function answer(socket, way, number, data, binary) {
  if (way === "echo" || way === "pings") send(socket, data, binary);
  else if (way === "fragments") fragments(socket, data, binary, number);
  else if (way === "big") send(socket, Buffer.alloc(number, "b"), true);
  else if (way === "pieces") fragments(socket, Buffer.alloc(number, "b"), true, 1000);
  else if (way === "close") socket.close(number, "told so");
  else if (way === "rsv1") socket._socket.write(Buffer.from("\xc1\x02no", "latin1"));
}

const server = http.createServer();
const sockets = new WebSocketServer({
  server,
  perMessageDeflate: { threshold: 0 },
  maxPayload: Number(longest),
});

sockets.on("headers", (headers, request) => {
  if (request.url === "/extension") headers.push("Sec-WebSocket-Extensions: permessage-deflate");
});

sockets.on("connection", (socket, request) => {
  const [way, number] = request.url.slice(1).split("/");
  note("open", socket.extensions);
  socket.on("message", (data, binary) => {
    note("message", data.length <= LONG ? data.toString() : data.length);
    answer(socket, way, Number(number), data, binary);
  });
  socket.on("pong", (payload) => {
    if (way === "pings") note("pong", payload.toString());
  });
  socket.on("error", () => {
    // It is told by the end that follows.
  });
  socket.on("close", (code, reason) => {
    // 1005 and 1006 stand for nothing.
    const said = code === 1005 || code === 1006 ? [] : [code, reason.toString()];
    note("closed", ...said);
  });
  if (way === "deaf") socket.pause();
  if (way === "pings") for (let each = 0; each < 10; each++) socket.ping(`ping ${each}`);
});

process.on("SIGTERM", () => {
  server.close();
  for (const socket of sockets.clients) socket.close(1001);
  setTimeout(() => process.exit(), 500).unref();
});

server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
