import { once } from 'node:events';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { generate, type SelfsignedOptions } from 'selfsigned';
import type { DnsResolver } from '../addresses/dns-resolver.js';
import type { SrvRecord } from '../discovery/srv-order.js';
import { OutboundError, type OutboundErrorKind } from './outbound-error.js';
import type { Candidate } from '../discovery/candidate.js';

export interface Authority {
  readonly key: string;
  readonly cert: string;
}

/** A certificate authority of a test. */
export async function makeAuthority(): Promise<Authority> {
  const made = await generate([{ name: 'commonName', value: 'Test CA' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
    ],
  });
  return { key: made.private, cert: made.cert };
}

/** Key and certificate for host names and addresses, signed by the authority. */
export async function issue(ca: Authority, names: readonly string[], options: SelfsignedOptions = {}) {
  const altNames = names.map((name) =>
    /^[\d.]+$/.test(name) ? { type: 7 as const, ip: name } : { type: 2 as const, value: name },
  );
  const made = await generate([{ name: 'commonName', value: 'test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames },
    ],
    ...options,
  });
  return { key: made.private, cert: made.cert };
}

/** Servers of one spec file on loopback, with everything they hold. */
export class LocalServers {
  readonly #servers: (Server | HttpsServer)[] = [];
  readonly #sockets = new Set<Socket>();

  /** An HTTPS server; the port. */
  https(options: TlsOptions, answer: (request: IncomingMessage, response: ServerResponse) => void) {
    return this.#listen(createHttpsServer(options, answer));
  }

  /** A TLS server that says whatever it likes to whoever has sent something; the port. */
  raw(options: TlsOptions, onRequest: (socket: TLSSocket, connection: number) => void): Promise<number> {
    let connections = 0;
    const server = createTlsServer(options, (socket) => {
      const connection = connections++;
      socket.on('error', () => undefined);
      socket.once('data', () => {
        onRequest(socket, connection);
      });
    });
    return this.#listen(server);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    await Promise.all(this.#servers.map((server) => once(server, 'close')));
  }

  async #listen(server: Server | HttpsServer): Promise<number> {
    server.on('connection', (socket: Socket) => this.#sockets.add(socket));
    server.on('tlsClientError', () => undefined);
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
}

/** A DNS in memory. An address list that holds lists is used up one list at each look-up, the last one staying. */
export class FakeDns implements DnsResolver {
  lookUps = 0;

  constructor(
    private readonly names: Record<string, string[][]> = {},
    private readonly records: Record<string, SrvRecord[]> = {},
  ) {}

  addresses(hostname: string): Promise<string[]> {
    this.lookUps++;
    const answers = this.names[hostname];
    const answer = answers !== undefined && answers.length > 1 ? answers.shift() : answers?.[0];
    return answer === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(answer);
  }

  srv(name: string): Promise<SrvRecord[]> {
    const records = this.records[name];
    return records === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(records);
  }
}

/** A candidate whose name is also its certificate's. */
export const at = (host: string, port: number, tlsServerName = host): Candidate => ({
  host,
  port,
  hostHeader: tlsServerName,
  tlsServerName,
});

/** The kind of failure that a request ends with, and whether it may have been processed. */
export async function failureOf(request: Promise<unknown>): Promise<[OutboundErrorKind, boolean]> {
  const error: unknown = await request.then(
    () => new Error('there was an answer'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof OutboundError)) throw error;
  return [error.kind, error.maybeProcessed];
}
