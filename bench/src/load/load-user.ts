import type { RoomId, UserId } from '@atoll/matrix';
import type { SyncAnswer } from '@atoll/testing';
import type { HttpLoad } from './http-load.js';

const PASSWORD = 'Correct-horse-battery-9';

let transactions = 0;
let users = 0;

interface Session {
  readonly access_token: string;
  readonly user_id: UserId;
  readonly device_id: string;
}

/** A client of the client-server API that does little itself. */
export class LoadUser {
  private constructor(
    readonly http: HttpLoad,
    readonly token: string,
    readonly userId: UserId,
    readonly deviceId: string,
  ) {}

  static async register(http: HttpLoad): Promise<LoadUser> {
    const body = {
      username: `user${process.pid}x${(users += 1)}`,
      password: PASSWORD,
      auth: { type: 'm.login.dummy' },
    };
    const session = await http.request<Session>('POST', '/_matrix/client/v3/register', '', body);
    return new LoadUser(http, session.access_token, session.user_id, session.device_id);
  }

  /** The same user, logged in once more. */
  async newDevice(): Promise<LoadUser> {
    const identifier = { type: 'm.id.user', user: this.userId };
    const body = { type: 'm.login.password', identifier, password: PASSWORD };
    const session = await this.call<Session>('POST', 'login', body);
    return new LoadUser(this.http, session.access_token, this.userId, session.device_id);
  }

  /** The same user over other connections. */
  over(http: HttpLoad): LoadUser {
    return new LoadUser(http, this.token, this.userId, this.deviceId);
  }

  async createPublicRoom(): Promise<RoomId> {
    const body = { preset: 'public_chat' };
    return (await this.call<{ room_id: RoomId }>('POST', 'createRoom', body)).room_id;
  }

  async join(roomId: string): Promise<void> {
    await this.call('POST', `join/${encodeURIComponent(roomId)}`, {});
  }

  async send(roomId: string, body: string): Promise<void> {
    const id = `t${process.pid}.${(transactions += 1)}`;
    const path = `rooms/${encodeURIComponent(roomId)}/send/m.room.message/${id}`;
    await this.call('PUT', path, { msgtype: 'm.text', body });
  }

  whoami(): Promise<unknown> {
    return this.call('GET', 'account/whoami');
  }

  /**
   * @param timeout ms to wait for news
   * @param filter JSON
   */
  sync(since: string | undefined, timeout: number, filter?: string): Promise<SyncAnswer> {
    const parameters = new URLSearchParams({
      timeout: String(timeout),
      ...(since !== undefined && { since }),
      ...(filter !== undefined && { filter }),
    });
    return this.call('GET', `sync?${parameters.toString()}`);
  }

  /** A page of a room's history, the newest first. */
  messages(roomId: RoomId, limit: number, from?: string): Promise<{ end?: string; chunk: unknown[] }> {
    const parameters = new URLSearchParams({
      dir: 'b',
      limit: String(limit),
      ...(from !== undefined && { from }),
    });
    return this.call('GET', `rooms/${encodeURIComponent(roomId)}/messages?${parameters.toString()}`);
  }

  /** @returns how many events match */
  async search(term: string): Promise<number> {
    const criteria = {
      search_term: term,
      order_by: 'recent',
      event_context: { before_limit: 3, after_limit: 3 },
    };
    const body = { search_categories: { room_events: criteria } };
    type Answer = { search_categories: { room_events: { count: number } } };
    return (await this.call<Answer>('POST', 'search', body)).search_categories.room_events.count;
  }

  private call<Body>(method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<Body> {
    return this.http.request(method, `/_matrix/client/v3/${path}`, this.token, body);
  }
}
