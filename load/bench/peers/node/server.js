// Fan-out as Node.js programs do it: ws, one `send` per client. See load/bench/fanout.py.
import { WebSocketServer } from "ws";

/** The event `sequence` as JSON of exactly `size` bytes. */
function event(sequence, size) {
  const start = `{"sequence":${sequence},"text":"`;
  return start + "x".repeat(size - start.length - 2) + '"}';
}

const server = new WebSocketServer({
  host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false, clientTracking: false,
});
const peers = new Set();

server.on("listening", () => console.log("port", server.address().port));
server.on("connection", (socket, request) => {
  if (request.url === "/fan") {
    peers.add(socket);
    socket.on("close", () => peers.delete(socket));
    return;
  }
  socket.on("message", (message) => {
    const { first, count, bytes } = JSON.parse(message);
    for (let sequence = first; sequence < first + count; sequence++) {
      const text = Buffer.from(event(sequence, bytes));
      for (const peer of peers) peer.send(text, { binary: false });
    }
  });
});
process.stdin.on("end", () => process.exit(0)).resume();
