import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** The way to a server, which a test can cut while the server runs on. */
export interface Network {
  /** Breaks every connection and takes no more, as a machine does that is down. */
  cut(): Promise<void>;
  /** Takes connections but lets nothing through, as a network does that lost a route. What is under way stands still too. */
  stall(): void;
  /** As it was in the beginning. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** Forwards the connections of one loopback port to another. */
export async function openNetwork(port: number, target: number): Promise<Network> {
  const sockets = new Set<Socket>();
  let stalled = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    if (stalled) socket.pause();
    return socket;
  };
  const server = createServer((inbound) => {
    keep(inbound);
    const outbound = keep(connect(target, '127.0.0.1'));
    forward(inbound, outbound, () => stalled);
    forward(outbound, inbound, () => stalled);
  });
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const listen = async () => {
    if (server.listening) return;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const refuse = async () => {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    breakAll();
    await closed;
  };
  await listen();
  return {
    cut: refuse,
    stall() {
      stalled = true;
      for (const socket of sockets) socket.pause();
    },
    async heal() {
      // Connections that stood still are broken: no two ends would agree on what had passed.
      if (stalled) breakAll();
      stalled = false;
      await listen();
    },
    close: refuse,
  };
}

function forward(from: Socket, to: Socket, isStalled: () => boolean): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => {
    if (!isStalled()) from.resume();
  });
  from.once('close', () => to.destroy());
  from.once('end', () => to.end());
}
