import type { Database } from '@atoll/database';
import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { startTestClientApi, type TestUser } from '../test-client-api.spec-support.js';

export interface SyncUser extends TestUser {
  readonly userId: UserId;
}

/** A room's section as a client reads it. */
export interface RoomAnswer {
  readonly timeline: {
    readonly events: JsonObject[];
    readonly limited: boolean;
    readonly prev_batch: string;
  };
  readonly state?: { readonly events: JsonObject[] };
  readonly state_after?: { readonly events: JsonObject[] };
  readonly summary?: JsonObject;
  readonly account_data: { readonly events: JsonObject[] };
  readonly ephemeral?: { readonly events: JsonObject[] };
  readonly unread_notifications?: UnreadAnswer;
  readonly unread_thread_notifications?: Record<string, UnreadAnswer>;
}

export interface UnreadAnswer {
  readonly notification_count: number;
  readonly highlight_count: number;
}

export interface SyncAnswer {
  readonly next_batch: string;
  readonly account_data?: { readonly events: JsonObject[] };
  readonly presence?: { readonly events: JsonObject[] };
  readonly rooms?: {
    readonly join?: Record<string, RoomAnswer>;
    readonly leave?: Record<string, RoomAnswer>;
    readonly invite?: Record<string, { readonly invite_state: { readonly events: JsonObject[] } }>;
    readonly knock?: Record<string, { readonly knock_state: { readonly events: JsonObject[] } }>;
  };
}

export type SyncParameters = Record<string, string | number | boolean | object | undefined>;

/** The client-server API with rows of rooms written beside it. */
export async function startSyncApp(settings: Record<string, string> = {}) {
  const api = await startTestClientApi(settings);
  let rooms = 0;

  const url = (parameters: SyncParameters) => {
    const given = Object.entries(parameters).flatMap(([name, value]) => {
      if (value === undefined) return [];
      return [[name, typeof value === 'object' ? JSON.stringify(value) : String(value)]];
    });
    return `/sync?${new URLSearchParams(given).toString()}`;
  };

  return {
    ...api,
    url,
    async register(name: string): Promise<SyncUser> {
      const user = await api.register(name);
      return { ...user, userId: user.userId as UserId };
    },
    async sync(user: TestUser, parameters: SyncParameters = {}): Promise<SyncAnswer> {
      const { status, body } = await api.request('GET', url(parameters), { token: user.token });
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
      // In every answer; what they say has tests of its own.
      const { device_one_time_keys_count: _, device_unused_fallback_key_types: __, ...rest } = body;
      return rest as unknown as SyncAnswer;
    },
    /** A room that its creator has joined; `database` to write it within a transaction. */
    async createRoom(creator: UserId, database: Database = api.database): Promise<RoomRows> {
      const room = await RoomRows.create(database, { roomId: `!room${rooms++}:hs1` as RoomId });
      await room.state('m.room.create', creator, {});
      await room.member(creator, 'join');
      await room.state('m.room.history_visibility', creator, { history_visibility: 'shared' });
      return room;
    },
    /** Writes rows that become visible together, as room-state's do. */
    together<T>(write: (database: Database) => Promise<T>): Promise<T> {
      return api.database.db.transaction().execute((db) => write({ ...api.database, db }));
    },
  };
}

export type SyncApp = Awaited<ReturnType<typeof startSyncApp>>;

/** Bodies of messages, else `type` or `type/state key`. */
export function namesOf(events: readonly JsonObject[] = []): string[] {
  return events.map((event) => {
    const { type, state_key, content } = event as { type: string; state_key?: string; content?: JsonObject };
    const body = content?.['body'];
    if (typeof body === 'string') return body;
    return state_key === undefined || state_key === '' ? type : `${type}/${state_key}`;
  });
}
