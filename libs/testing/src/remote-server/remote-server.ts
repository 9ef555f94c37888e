import type { IncomingMessage, ServerResponse } from 'node:http';
import { generateSigningKey } from '@atoll/event-crypto';
import type { EventId, JsonObject, Pdu, RoomId, UserId } from '@atoll/matrix';
import { createRemoteRoom, type CreateRoomOptions } from './create-room.js';
import { keyAnswer } from './key-answers.js';
import { listen, type Listener, type ListenerHost } from './listener.js';
import { membershipRoutes } from './membership-routes.js';
import { PeerKeys } from './peer-keys.js';
import { readRequest, type ReceivedRequest } from './received-request.js';
import { matrixError, type RemoteAnswer, sendAnswer } from './remote-answer.js';
import {
  type InviteAnswer,
  type InviteOptions,
  inviteUser,
  joinRoom,
  knockOnRoom,
  leaveRoom,
} from './remote-memberships.js';
import type { RemoteRoom } from './remote-room.js';
import type { ReceivedInvite, RoomHost } from './room-host.js';
import { roomRoutes } from './room-routes.js';
import { type RemoteHandler, RouteTable } from './routes.js';
import { sendRequest, type Peer, type PeerAnswer, type SendOptions } from './send-request.js';
import { transactionText, type Transaction } from './transaction.js';

const unrecognized = matrixError(404, 'M_UNRECOGNIZED', 'There is no such endpoint');
let transactions = 0;

/**
 * A homeserver that does what a test says. It answers as an honest server until `on` tells it otherwise, checks no event, and
 * keeps every request that it got.
 */
export class RemoteServer implements RoomHost {
  readonly key = generateSigningKey();
  readonly rooms = new Map<string, RemoteRoom>();
  readonly aliases = new Map<string, RoomId>();
  readonly published = new Set<RoomId>();
  readonly profiles = new Map<UserId, JsonObject>();
  readonly invites: ReceivedInvite[] = [];
  /** Every request so far but those for keys. */
  readonly received: ReceivedRequest[] = [];
  private readonly routes = new RouteTable();
  private readonly peerKeys = new PeerKeys();
  private readonly watchers = new Set<(request: ReceivedRequest) => void>();
  private listener: Listener | undefined;

  private constructor() {
    for (const { method, pattern, handler } of [...membershipRoutes(this), ...roomRoutes(this)]) {
      this.on(method, pattern, handler);
    }
    this.on('GET', '/_matrix/key/v2/server', () => keyAnswer(this));
    this.on('GET', '/_matrix/federation/v1/version', () => ({
      body: { server: { name: 'Scripted', version: '1' } },
    }));
  }

  /** Starts one on a free port, with keys and a certificate of its own. */
  static async start(host: ListenerHost = 'localhost'): Promise<RemoteServer> {
    const server = new RemoteServer();
    server.listener = await listen((request, text, response) => {
      server.answer(request, text, response).catch(() => response.destroy());
    }, host);
    return server;
  }

  /** `localhost:<port>`, or what {@link start} was told. */
  get serverName(): string {
    return this.listening.serverName;
  }

  /** For `ATOLL_EXTRA_CA` of the servers that shall trust this one. */
  get certificateFile(): string {
    return this.listening.certificateFile;
  }

  async stop(): Promise<void> {
    await this.listener?.close();
  }

  user(localpart: string): UserId {
    return `@${localpart}:${this.serverName}` as UserId;
  }

  /**
   * Answers requests from now on; the handler set last counts.
   * @param pattern a path with `:name` for one percent-encoded part
   * @returns makes it answer as before
   */
  on(method: string, pattern: string, handler: RemoteHandler): () => void {
    return this.routes.add({ method, pattern, handler });
  }

  /** The first request that fulfils `predicate`, waited for where it has not come yet. @throws Error when none comes in time */
  until(
    what: string,
    predicate: (request: ReceivedRequest) => boolean,
    withinMs = 10_000,
  ): Promise<ReceivedRequest> {
    const known = this.received.find(predicate);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const watcher = (request: ReceivedRequest) => {
        if (!predicate(request)) return;
        done();
        resolve(request);
      };
      const timer = setTimeout(() => {
        done();
        const came = this.received.map(({ method, path }) => `${method} ${path}`).join(', ');
        reject(new Error(`${this.serverName} got no ${what} in ${withinMs} ms, but ${came || 'nothing'}`));
      }, withinMs);
      const done = () => {
        clearTimeout(timer);
        this.watchers.delete(watcher);
      };
      this.watchers.add(watcher);
    });
  }

  /** Sends a request, rightly signed unless the options say otherwise. @throws Error when there is no answer in time */
  send(peer: Peer, method: string, path: string, body?: unknown, options?: SendOptions): Promise<PeerAnswer> {
    return sendRequest(this, peer, method, path, body, options);
  }

  /** Sends a transaction; PDUs may be texts that are no JSON. */
  transaction(
    peer: Peer,
    transaction: Transaction,
    transactionId = `t${(transactions += 1)}`,
    options?: SendOptions,
  ): Promise<PeerAnswer> {
    const path = `/_matrix/federation/v1/send/${encodeURIComponent(transactionId)}`;
    return this.send(peer, 'PUT', path, undefined, {
      text: transactionText(this.serverName, transaction),
      ...options,
    });
  }

  /** Creates a room here, which others can join. */
  async createRoom(options: CreateRoomOptions): Promise<RemoteRoom> {
    const room = await createRemoteRoom(this, options);
    this.rooms.set(room.roomId, room);
    return room;
  }

  /** Joins a peer's room, in which events can then be made and sent. @throws PeerRefused */
  join(peer: Peer, roomId: string, user: UserId): Promise<RemoteRoom> {
    return joinRoom(this, peer, roomId, user);
  }

  /** Leaves a room, or refuses an invite to it. @throws PeerRefused */
  leave(peer: Peer, roomId: string, user: UserId): Promise<EventId> {
    return leaveRoom(this, peer, roomId, user);
  }

  /** @returns the stripped state of the room @throws PeerRefused */
  knock(peer: Peer, roomId: string, user: UserId, reason?: string): Promise<JsonObject[]> {
    return knockOnRoom(this, peer, roomId, user, reason);
  }

  /** Invites a user of a peer to a room that this server is in. */
  invite(
    peer: Peer,
    room: RemoteRoom,
    inviter: UserId,
    invited: UserId,
    options?: InviteOptions,
  ): Promise<InviteAnswer> {
    return inviteUser(this, peer, room, inviter, invited, options);
  }

  private get listening(): Listener {
    if (this.listener === undefined) throw new Error('The server was not started');
    return this.listener;
  }

  private async answer(incoming: IncomingMessage, text: string, response: ServerResponse): Promise<void> {
    const { method = '', url: uri = '/', headers } = incoming;
    const route = this.routes.find(method, new URL(uri, 'https://remote').pathname);
    const { authorization } = headers;
    const read = await readRequest({ method, uri, authorization, text }, this.serverName, this.peerKeys);
    const request = { ...read, parameters: route?.parameters ?? {} };
    if (!request.path.startsWith('/_matrix/key/')) this.note(request);
    sendAnswer(await handled(route?.handler, request), response);
  }

  private note(request: ReceivedRequest): void {
    this.received.push(request);
    for (const watcher of this.watchers) watcher(request);
  }
}

async function handled(handler: RemoteHandler | undefined, request: ReceivedRequest): Promise<RemoteAnswer> {
  if (handler === undefined) return unrecognized;
  try {
    return await handler(request);
  } catch (error) {
    return matrixError(500, 'M_UNKNOWN', String(error));
  }
}

/** The PDUs of a received transaction. */
export function pdusIn({ body }: ReceivedRequest): Pdu[] {
  return (body['pdus'] ?? []) as unknown as Pdu[];
}
