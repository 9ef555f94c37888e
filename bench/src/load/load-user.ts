import type { SyncAnswer } from '@atoll/testing';
import type { HttpLoad } from './http-load.js';

let transactions = 0;
let users = 0;

/** A client of the client-server API that does little itself. */
export class LoadUser {
  private constructor(
    readonly http: HttpLoad,
    readonly token: string,
  ) {}

  static async register(http: HttpLoad): Promise<LoadUser> {
    const body = {
      username: `user${process.pid}x${(users += 1)}`,
      password: 'Correct-horse-battery-9',
      auth: { type: 'm.login.dummy' },
    };
    const answer = await http.request<{ access_token: string }>(
      'POST',
      '/_matrix/client/v3/register',
      '',
      body,
    );
    return new LoadUser(http, answer.access_token);
  }

  /** The same user over other connections. */
  over(http: HttpLoad): LoadUser {
    return new LoadUser(http, this.token);
  }

  async createPublicRoom(): Promise<string> {
    const body = { preset: 'public_chat' };
    return (await this.call<{ room_id: string }>('POST', 'createRoom', body)).room_id;
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

  /** @param timeout ms to wait for news */
  sync(since: string | undefined, timeout: number): Promise<SyncAnswer> {
    const parameters = new URLSearchParams({
      timeout: String(timeout),
      ...(since !== undefined && { since }),
    });
    return this.call('GET', `sync?${parameters.toString()}`);
  }

  private call<Body>(method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<Body> {
    return this.http.request(method, `/_matrix/client/v3/${path}`, this.token, body);
  }
}
