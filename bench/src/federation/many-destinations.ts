import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from '@atoll/embedded';
import { generate } from 'selfsigned';
import type { Bench } from '../benchmark.js';
import { temporaryFolder } from '../servers/servers.js';

const KEEP_ALIVE_MS = 60_000;

/** What a destination is told. */
export interface ReceivedPdus {
  readonly destination: string;
  /** Of each event, its `content.body`. */
  readonly bodies: readonly string[];
}

export interface ManyDestinations {
  /** Names of servers that answer. */
  readonly live: readonly string[];
  /** Names of servers where nobody listens. */
  readonly refusing: readonly string[];
  /** Names of servers that take a connection and then say nothing. */
  readonly silent: readonly string[];
  readonly certificateFile: string;
}

export interface HowMany {
  readonly live: number;
  readonly refusing: number;
  readonly silent: number;
}

type OnTransaction = (received: ReceivedPdus) => void;

/**
 * Servers at an address of 127.0.0.0/8 each, all of which lead to this machine: their names are the addresses, with a port. Those that
 * live share a port, and each has a certificate of its own.
 */
export async function startDestinations(
  bench: Bench,
  { live, refusing, silent }: HowMany,
  onTransaction: OnTransaction,
): Promise<ManyDestinations> {
  const [livePort, refusingPort, silentPort] = [await freePort(), await freePort(), await freePort()];
  const addresses = Array.from({ length: live }, (_, index) => addressOf(0, index));
  const authority = await makeAuthority();
  const certificateFile = join(temporaryFolder(bench), 'destinations.crt');
  await writeFile(certificateFile, authority.cert);

  const servers = new Map<string, TlsServer>();
  for (const address of addresses) {
    servers.set(address, tlsServer(await issue(authority, address), onTransaction));
  }
  // Addresses are no names that a client says in its handshake: which one it means, the connection tells.
  const front = createServer((socket) => {
    servers.get(socket.localAddress ?? '')?.emit('connection', socket);
  });
  await listen(bench, front, livePort);
  await listen(bench, createServer(), silentPort);
  return {
    live: addresses.map((address) => `${address}:${livePort}`),
    refusing: Array.from({ length: refusing }, (_, index) => `${addressOf(1, index)}:${refusingPort}`),
    silent: Array.from({ length: silent }, (_, index) => `${addressOf(2, index)}:${silentPort}`),
    certificateFile,
  };
}

function addressOf(kind: number, index: number): string {
  return `127.${kind + 1}.${Math.floor(index / 250)}.${(index % 250) + 1}`;
}

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

async function makeAuthority(): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'Bench CA' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  return { cert, key };
}

async function issue(authority: Certificate, address: string): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'bench' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: authority,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: address }] },
    ],
  });
  return { cert, key };
}

function tlsServer(certificate: Certificate, onTransaction: OnTransaction): TlsServer {
  // Node's five seconds would end connections between two transactions of a slow pass.
  const server = createTlsServer({ ...certificate, keepAliveTimeout: KEEP_ALIVE_MS });
  server.on('tlsClientError', () => undefined);
  server.on('request', (request, response) => {
    take(request, response, onTransaction).catch(() => response.destroy());
  });
  return server;
}

/** On all addresses of this machine, until the benchmark ends. */
async function listen(bench: Bench, server: Server, port: number): Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, '0.0.0.0');
  await once(server, 'listening');
  bench.atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  onTransaction: OnTransaction,
): Promise<void> {
  const { pdus } = JSON.parse(await text(request)) as { pdus: { content: { body: string } }[] };
  const bodies = pdus.map(({ content }) => content.body);
  onTransaction({ destination: request.headers.host ?? '', bodies });
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"pdus":{}}');
}
