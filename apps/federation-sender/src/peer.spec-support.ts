import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerName, UserId } from '@atoll/matrix';
import { generate } from 'selfsigned';

export interface ReceivedTransaction {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly text: string;
  readonly body: { readonly pdus: SentPdu[]; readonly edus: unknown[]; readonly origin: string };
}

interface SentPdu {
  readonly type: string;
  readonly content: { readonly body?: string; readonly membership?: string };
}

type Answer = { readonly status: number; readonly body: unknown } | 'silence';

const PATIENCE_MS = 15_000;

/** A certificate for every peer: OpenSSL looks at one only of trusted certificates with the same subject. */
export async function makeCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  return { key: made.private, cert: made.cert };
}

/** Another homeserver: it takes transactions, and can be away. */
export class Peer {
  readonly received: ReceivedTransaction[] = [];
  /** What it says to the next transactions. */
  answer: (transaction: ReceivedTransaction) => Answer = () => ({ status: 200, body: { pdus: {} } });
  /** Transactions under way at once, at most. */
  most = 0;
  #underWay = 0;
  #server: Server | undefined;
  #port = 0;
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly certificate: { readonly key: string; readonly cert: string }) {}

  static async start(certificate: { readonly key: string; readonly cert: string }): Promise<Peer> {
    const peer = new Peer(certificate);
    await peer.up();
    return peer;
  }

  get name(): ServerName {
    return `localhost:${this.#port}` as ServerName;
  }

  user(localpart: string): UserId {
    return `@${localpart}:${this.name}` as UserId;
  }

  async up(): Promise<void> {
    const server = createServer(this.certificate, (request, response) => void this.#take(request, response));
    server.on('connection', (socket: Socket) => this.#sockets.add(socket));
    server.on('tlsClientError', () => undefined);
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    this.#server?.close();
    if (this.#server?.listening === true) await once(this.#server, 'close');
    this.#server = undefined;
  }

  /** What the messages and member events that it got say, in order; events that came again after a failure are not repeated. */
  heard(): string[] {
    const seen = this.received.flatMap(({ body }) => body.pdus.map(({ content }) => wordOf(content)));
    return [...new Set(seen)];
  }

  /** Waits until it has heard this many different things. @returns all of them */
  async hears(count: number): Promise<string[]> {
    await until(
      `${count} things at ${this.name}`,
      () => this.heard().length >= count,
      () => this.heard(),
    );
    return this.heard();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const content = await text(request);
    if (request.method !== 'PUT') return void response.writeHead(404).end('{}');
    const transaction = {
      path: request.url ?? '',
      authorization: request.headers.authorization,
      text: content,
      body: JSON.parse(content) as ReceivedTransaction['body'],
    };
    this.#underWay += 1;
    this.most = Math.max(this.most, this.#underWay);
    this.received.push(transaction);
    const answer = this.answer(transaction);
    if (answer === 'silence') return;
    // Long enough for a second one to come, were there one.
    await sleep(2);
    this.#underWay -= 1;
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  }
}

const wordOf = ({ body, membership }: SentPdu['content']) => body ?? membership ?? '';

/** Waits for a condition. @throws Error, with what there is instead, when it does not come true in time */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  instead: () => unknown = () => '',
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadline)
      throw new Error(`There is no ${what}, but ${JSON.stringify(instead())}`);
    await sleep(20);
  }
}
