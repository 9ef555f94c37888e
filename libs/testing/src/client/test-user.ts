import type { Answer, AnswerBody, ClientEvent, SyncAnswer } from './answer.js';
import { path, query } from './encode-path.js';
import { HttpClient, type RequestOptions } from './http-client.js';
import { RequestFailed } from './request-failed.js';
import { SyncFollower } from './sync-follower.js';

let transactions = 0;

/** A transaction id that no other request of this process uses. */
export const newTransactionId = (): string => `t${process.pid}.${(transactions += 1)}`;

export interface Session {
  userId: string;
  deviceId: string;
  accessToken: string;
  refreshToken?: string | undefined;
}

/** A logged-in device. Methods named after an action expect it to succeed; `request` gives any answer back. */
export class TestUser {
  readonly http: HttpClient;

  constructor(
    baseUrl: string,
    readonly session: Session,
  ) {
    this.http = new HttpClient(baseUrl);
  }

  get userId(): string {
    return this.session.userId;
  }

  /** The same device through another instance or listener. */
  through(baseUrl: string): TestUser {
    return new TestUser(baseUrl, this.session);
  }

  /** @param path below `/_matrix/client` */
  request(method: string, path: string, body?: unknown, options: RequestOptions = {}): Promise<Answer> {
    const sent = body === undefined ? {} : { body };
    return this.http.send(method, `/_matrix/client${path}`, {
      token: this.session.accessToken,
      ...sent,
      ...options,
    });
  }

  /** @throws RequestFailed */
  async expect(method: string, path: string, body?: unknown): Promise<AnswerBody> {
    const answer = await this.request(method, path, body);
    if (answer.status >= 300) throw new RequestFailed(`${method} ${path}`, answer);
    return answer.body;
  }

  async createRoom(options: Record<string, unknown> = {}): Promise<string> {
    return (await this.expect('POST', '/v3/createRoom', options)).room_id ?? '';
  }

  async join(room: string, content: Record<string, unknown> = {}): Promise<string> {
    return (await this.expect('POST', path`/v3/join/${room}`, content)).room_id ?? '';
  }

  async leave(roomId: string): Promise<void> {
    await this.expect('POST', path`/v3/rooms/${roomId}/leave`, {});
  }

  async forget(roomId: string): Promise<void> {
    await this.expect('POST', path`/v3/rooms/${roomId}/forget`, {});
  }

  async invite(roomId: string, userId: string): Promise<void> {
    await this.expect('POST', path`/v3/rooms/${roomId}/invite`, { user_id: userId });
  }

  async kick(roomId: string, userId: string): Promise<void> {
    await this.expect('POST', path`/v3/rooms/${roomId}/kick`, { user_id: userId });
  }

  async ban(roomId: string, userId: string): Promise<void> {
    await this.expect('POST', path`/v3/rooms/${roomId}/ban`, { user_id: userId });
  }

  async unban(roomId: string, userId: string): Promise<void> {
    await this.expect('POST', path`/v3/rooms/${roomId}/unban`, { user_id: userId });
  }

  /** @returns the event id */
  send(roomId: string, text: string, transactionId = newTransactionId()): Promise<string> {
    return this.sendEvent(roomId, 'm.room.message', { msgtype: 'm.text', body: text }, transactionId);
  }

  async sendEvent(
    roomId: string,
    type: string,
    content: Record<string, unknown>,
    transactionId = newTransactionId(),
  ): Promise<string> {
    const target = path`/v3/rooms/${roomId}/send/${type}/${transactionId}`;
    return (await this.expect('PUT', target, content)).event_id ?? '';
  }

  /** @returns the event id */
  async setState(
    roomId: string,
    type: string,
    content: Record<string, unknown>,
    stateKey = '',
  ): Promise<string> {
    const target = path`/v3/rooms/${roomId}/state/${type}/${stateKey}`;
    return (await this.expect('PUT', target, content)).event_id ?? '';
  }

  async redact(roomId: string, eventId: string, reason?: string): Promise<string> {
    const target = path`/v3/rooms/${roomId}/redact/${eventId}/${newTransactionId()}`;
    return (await this.expect('PUT', target, reason === undefined ? {} : { reason })).event_id ?? '';
  }

  state(roomId: string, type: string, stateKey = ''): Promise<AnswerBody> {
    return this.expect('GET', path`/v3/rooms/${roomId}/state/${type}/${stateKey}`);
  }

  async createFilter(filter: unknown): Promise<string> {
    return (await this.expect('POST', path`/v3/user/${this.userId}/filter`, filter)).filter_id ?? '';
  }

  /** One request; with `timeout` it waits for news. */
  async sync(parameters: Record<string, string | number | boolean | undefined> = {}): Promise<SyncAnswer> {
    const body: unknown = await this.expect('GET', `/v3/sync${query(parameters)}`);
    return body as SyncAnswer;
  }

  /** Follows sync from now on, or from `since`. */
  async follow(since?: string): Promise<SyncFollower> {
    return new SyncFollower(this, since ?? (await this.sync({ timeout: 0 })).next_batch);
  }

  /** Every event that `/messages` has, the newest first; pages until there is no `end`. */
  async history(roomId: string, pageSize = 100): Promise<ClientEvent[]> {
    const events: ClientEvent[] = [];
    let from: string | undefined;
    do {
      const parameters = query({ dir: 'b', limit: pageSize, from });
      const page = await this.expect('GET', path`/v3/rooms/${roomId}/messages` + parameters);
      events.push(...(page.chunk ?? []));
      from = page.end;
    } while (from !== undefined);
    return events;
  }
}
