import { commitInLanes, ReceiptTransactor } from '@atoll/database';
import type { RoomRows } from '@atoll/database/testing';
import type { EventId, JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SyncUser } from '../sync/sync-app.spec-support.js';
import {
  type SlidingAnswer,
  type SlidingApp,
  type SlidingRoomAnswer,
  startSlidingApp,
} from './sliding-app.spec-support.js';

/** What a client has of a room. */
interface ClientRoom {
  membership: string | undefined;
  readonly fields: Record<string, unknown>;
  readonly state: Map<string, string>;
  timeline: string[];
  readonly receipts: Map<string, string>;
  readonly accountData: Map<string, string>;
}

/** Applies answers as the proposal says. */
class ModelClient {
  readonly rooms = new Map<string, ClientRoom>();
  pos: string | undefined;

  apply({ pos, rooms, extensions }: SlidingAnswer): void {
    this.pos = pos;
    for (const [roomId, told] of Object.entries(rooms)) this.applyRoom(roomId, told);
    for (const [roomId, event] of Object.entries(extensions.receipts?.rooms ?? {})) {
      for (const [eventId, types] of Object.entries(event['content'] as Record<string, JsonObject>)) {
        const users = types['m.read'] as JsonObject;
        for (const user of Object.keys(users)) this.room(roomId).receipts.set(user, eventId);
      }
    }
    for (const [roomId, entries] of Object.entries(extensions.account_data?.rooms ?? {})) {
      for (const { type, content } of entries) {
        this.room(roomId).accountData.set(type as string, JSON.stringify(content));
      }
    }
  }

  private applyRoom(roomId: string, told: SlidingRoomAnswer): void {
    if (told.initial === true) this.rooms.delete(roomId);
    const room = this.room(roomId);
    room.membership = told.membership;
    for (const field of ['name', 'joined_count', 'bump_stamp', 'is_dm'] as const) {
      if (told[field] !== undefined) room.fields[field] = told[field];
    }
    for (const event of told.required_state ?? []) {
      const key = `${event['type'] as string} ${event['state_key'] as string}`;
      if (event['content'] === undefined) room.state.delete(key);
      else room.state.set(key, event['event_id'] as string);
    }
    const ids = (told.timeline ?? []).map((event) => event['event_id'] as string);
    const isWhole = told.initial === true || told.limited === true || told.expanded_timeline === true;
    if (!isWhole) expect(room.timeline.filter((id) => ids.includes(id))).toEqual([]);
    room.timeline = isWhole ? ids : [...room.timeline, ...ids];
  }

  private room(roomId: string): ClientRoom {
    const known = this.rooms.get(roomId);
    if (known) return known;
    const room = {
      membership: undefined,
      fields: {},
      state: new Map<string, string>(),
      timeline: [],
      receipts: new Map<string, string>(),
      accountData: new Map<string, string>(),
    };
    this.rooms.set(roomId, room);
    return room;
  }
}

/** The same numbers for the same seed. */
function randomly(seed: number) {
  let state = seed;
  const below = (n: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  return { below, pick: <T>(items: readonly T[]): T => items[below(items.length)] as T };
}

const EXTENSIONS = { receipts: { enabled: true }, account_data: { enabled: true } };
const WHOLE_STATE = { include: [{}] };
const STATES = [
  WHOLE_STATE,
  { include: [{ type: 'm.room.name' }] },
  { include: [{}], exclude: [{ type: 'm.room.topic' }] },
];

describe('a client of sliding sync', () => {
  let app: SlidingApp;
  beforeAll(async () => {
    app = await startSlidingApp();
  });
  afterAll(() => app.close());

  it.each([2, 3])(
    'that looks at it piece by piece knows what a new one is told (%i)',
    async (seed) => {
      const { below, pick } = randomly(seed);
      const alice = await app.register(`alice${seed}`);
      const bob = await app.register(`bob${seed}`);
      const rooms: RoomRows[] = [];
      for (let i = 0; i < 5; i++) {
        const room = await app.createRoom(bob.userId);
        await room.member(alice.userId, 'join');
        rooms.push(room);
      }
      const client = new ModelClient();
      for (let step = 0; step < 60; step++) {
        for (let i = below(4); i > 0; i--) await happen(pick(rooms), { alice, bob }, below(10));
        const list = {
          timeline_limit: pick([0, 1, 3, 8]),
          required_state: pick(STATES),
          range: pick([
            [0, 0],
            [0, 2],
            [1, 3],
            [0, 9],
          ]),
        };
        const answer = await app.slide(alice, {
          pos: client.pos,
          lists: { list },
          ...(below(2) === 0 && { extensions: EXTENSIONS }),
        });
        // Some answers get lost.
        if (below(4) > 0) client.apply(answer);
      }
      const list = { timeline_limit: 5, required_state: WHOLE_STATE };
      const whole = { lists: { list }, extensions: EXTENSIONS };
      client.apply(await app.slide(alice, { ...whole, pos: client.pos }));
      const last = await app.slide(alice, { ...whole, pos: client.pos });
      expect(last).toMatchObject({ rooms: {}, extensions: {} });

      const fresh = new ModelClient();
      fresh.apply(await app.slide(alice, { ...whole, conn_id: 'fresh' }));
      const joined = [...client.rooms].filter(([, { membership }]) => membership === 'join');
      expect(joined.map(([roomId]) => roomId).sort()).toEqual([...fresh.rooms.keys()].sort());
      for (const [roomId, expected] of fresh.rooms) {
        const known = client.rooms.get(roomId);
        expect(known?.state).toEqual(expected.state);
        expect(known?.fields).toEqual({
          ...expected.fields,
          name: expected.fields['name'] ?? known?.fields['name'],
        });
        if (expected.fields['name'] === undefined) expect(known?.fields['name'] ?? null).toBeNull();
        expect(known?.timeline.slice(-expected.timeline.length)).toEqual(expected.timeline);
        expect(known?.accountData).toEqual(expected.accountData);
        for (const [user, eventId] of expected.receipts) expect(known?.receipts.get(user)).toBe(eventId);
      }
    },
    120_000,
  );

  /** Something happens in a room. */
  async function happen(room: RoomRows, { alice, bob }: Record<'alice' | 'bob', SyncUser>, what: number) {
    const number = `${Math.floor(performance.now() * 1000)}`;
    if (what === 0) await room.state('m.room.name', bob.userId, number.endsWith('1') ? {} : { name: number });
    else if (what === 1) await room.state('m.room.topic', bob.userId, { topic: number });
    else if (what === 2) await room.member(bob.userId, 'join', bob.userId, { displayname: number });
    else if (what === 3) {
      await room.member(alice.userId, 'leave');
      await room.message(bob.userId, 'unseen');
      await room.member(alice.userId, 'join');
    } else if (what === 4) {
      const path = `/user/${alice.userId}/rooms/${room.roomId}/account_data/org.example.note`;
      await app.request('PUT', path, { token: alice.token, body: { number } });
    } else {
      const { eventId, position } = await room.message(bob.userId, number);
      if (what === 5) await read(room, eventId, position, bob);
    }
  }

  async function read(room: RoomRows, eventId: EventId, eventPosition: number, { userId }: SyncUser) {
    const receipt = { roomNid: room.roomNid, userId, type: 'm.read' as const, threadId: '', ts: 1 };
    await commitInLanes(app.database.db, (trx, closing) =>
      new ReceiptTransactor(trx, closing).put([{ ...receipt, eventId, eventPosition }]),
    );
  }
});
