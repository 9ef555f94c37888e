import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@atoll/embedded';
import { selfSignedCertificate } from '../cluster/self-signed-certificate.js';
import { UndoList } from '../undo-list.js';

/** More than any request that a test lets a homeserver make. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

export interface Listener {
  /** `localhost:<port>`, or an address literal; everybody on this machine finds both without a look-up. */
  readonly serverName: string;
  readonly certificateFile: string;
  close(): Promise<void>;
}

/** How the server is called: access control lists look at names without their ports. */
export type ListenerHost = 'localhost' | '127.0.0.1';

export type OnRequest = (request: IncomingMessage, text: string, response: ServerResponse) => void;

/** Listens for TLS on a free port of the loopback address, with a certificate of its own. */
export async function listen(onRequest: OnRequest, host: ListenerHost): Promise<Listener> {
  const undo = new UndoList();
  const folder = mkdtempSync(join(tmpdir(), 'atoll-remote-'));
  undo.add(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const serverName = `${host}:${port}`;
  const { certificateFile, keyFile } = await selfSignedCertificate(folder, serverName);
  const server = createServer({ cert: await readFile(certificateFile), key: await readFile(keyFile) });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // Who does not trust the certificate says so by ending the handshake.
  server.on('tlsClientError', () => undefined);
  server.on('request', (request, response) => {
    readText(request).then(
      (text) => {
        onRequest(request, text, response);
      },
      () => response.destroy(),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  undo.add(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { serverName, certificateFile, close: () => undo.run() };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new Error('The body is too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
