import { BackfillRoom, partitionOf } from '@atoll/contract';
import {
  EVENT_STATUS,
  EventReader,
  EventStateReader,
  RelationReader,
  RoomReader,
  ThreadReader,
} from '@atoll/database';
import type { EventId, RoomId, UserId } from '@atoll/matrix';
import { CommandContext } from '@atoll/redis-streams';
import { type RoomVersionRules, rulesOf, stateKey } from '@atoll/room-rules';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EVE, HS2, RemoteServer } from '../remote-server.spec-support.js';
import { countStaged, ResidentRoom, ScriptedNetwork, stage, until } from '../resident-server.spec-support.js';
import { RoomModel } from '../room-model.spec-support.js';
import { StagedPdus } from '../staged-pdus/staged-pdus.js';
import { ALICE, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { BackfillRoomHandler } from './backfill-room.handler.js';

const RULES = rulesOf('12') as RoomVersionRules;
const FAY = '@fay:hs2' as UserId;
const membership = (user: UserId, is: string) => ({
  type: 'm.room.member',
  sender: user,
  state_key: user,
  content: { membership: is },
});

describe('backfill', () => {
  const network = new ScriptedNetwork();
  let service: TestRoomState;
  let server: RemoteServer;
  let room: ResidentRoom;
  let roomId: RoomId;

  beforeAll(async () => {
    service = await startTestRoomState({ federation: network });
    server = new RemoteServer(service);
    await server.publishKey();
  });
  afterAll(async () => {
    await service.module.get(StagedPdus).stop();
    await service.stop();
  });
  beforeEach(() => freshRoom());

  async function freshRoom(): Promise<void> {
    roomId = await service.createRoom({
      preset: 'public_chat',
      powerLevelContentOverride: { state_default: 0 },
    });
    await server.send(roomId, '12', membership(EVE, 'join'));
    room = await ResidentRoom.of(service, server, roomId);
    network.asked.splice(0);
    network.residents.clear();
    network.residents.set(HS2, (endpoint, ...question) =>
      // What a gap leaves is to be seen here, not how it is filled.
      endpoint === 'get_missing_events' ? { events: [] } : room.answers(endpoint, ...question),
    );
  }

  const seen = () => RoomModel.read(service.database, roomId, RULES);
  const backfill = (limit: number, before?: number) =>
    service.module
      .get(BackfillRoomHandler)
      .handle(
        { roomId, limit, ...(before !== undefined && { before }) },
        new CommandContext(BackfillRoom.pattern, 'key', Date.now() + 20_000, partitionOf(roomId, 8), 1, 1),
      );

  /** The room goes on at `hs2`, and only the last event reaches the service. */
  async function arrive(last: EventId): Promise<void> {
    await stage(service, roomId, [{ eventId: last, pdu: room.pdu(last) }]);
    await until(async () => (await countStaged(service, roomId)) === 0);
    expect((await seen()).events.get(last)?.status).toBe(EVENT_STATUS.accepted);
  }

  async function storedStateBefore(eventId: EventId): Promise<Map<string, EventId> | undefined> {
    const { event_nid } = await service.database.db
      .selectFrom('events')
      .select('event_nid')
      .where('event_id', '=', eventId)
      .executeTakeFirstOrThrow();
    const state = await new EventStateReader(service.database).before(event_nid);
    return state && new Map(state.map((held) => [stateKey(held.type, held.stateKey), held.eventId]));
  }

  const sorted = (map: ReadonlyMap<string, EventId>) => new Map([...map].sort());

  /** Everything that is behind the gap, page by page. */
  async function backfillAll(limit: number): Promise<number> {
    let all = 0;
    for (;;) {
      const { added } = await backfill(limit);
      if (added === 0) return all;
      all += added;
    }
  }

  it('brings what is missing, newest first, each event with the state before it', async () => {
    const behind: EventId[] = [];
    for (let n = 0; n < 60; n += 1) {
      behind.push(
        await room.say(
          n % 7 === 0
            ? { type: 'x.y', state_key: String(n % 3), content: { n } }
            : { type: 'm.room.message', content: { n } },
        ),
      );
      if (n === 20) behind.push(await room.say(membership(FAY, 'join')));
      if (n === 40) behind.push(await room.say(membership(FAY, 'leave')));
    }
    await arrive(await room.say({ type: 'm.room.message', content: { body: 'last' } }));
    const before = await seen();
    expect(await backfillAll(25)).toBe(behind.length);
    const after = await seen();
    const history = after.timeline().filter(({ position }) => (position ?? 0) < 0);
    expect(history.map(({ eventId }) => eventId)).toEqual(behind);
    expect(after.timeline().length - history.length).toBe(before.timeline().length);
    for (const id of behind) {
      const expected = room.model.stateAfterAll(room.pdu(id).prev_events as EventId[]);
      expect(sorted((await storedStateBefore(id)) ?? new Map())).toEqual(sorted(expected));
    }
    // It ends where the room's own events begin.
    network.asked.splice(0);
    expect(await backfill(10)).toEqual({ added: 0 });
    expect(network.asked).toEqual([]);
    await service.message(roomId, ALICE, 'the room goes on');
  });

  it.each([4, 50])(
    'puts what was missed where it was missed, whichever gap is filled first, %d at once',
    async (limit) => {
      const said: EventId[] = [];
      const lasts: EventId[] = [];
      for (let gap = 0; gap < 2; gap += 1) {
        said.push(...(await room.messages(5)));
        // Not even honest servers have accepted it; it has no place, and what is behind it has.
        await room.say({ type: 'm.room.message', sender: FAY, content: {} });
        said.push(...(await room.messages(5)));
        const last = await room.say({ type: 'm.room.message', content: { body: 'last' } });
        await arrive(last);
        said.push(last);
        lasts.push(last);
      }
      const { events } = await seen();
      const [first, second] = lasts.map((id) => events.get(id)?.position ?? 0);
      const order = async () => {
        const roomNid = (await new RoomReader(service.database).byId(roomId))?.roomNid ?? 0;
        const timeline = await new EventReader(service.database).timeline(roomNid, { dir: 'b', limit: 100 });
        return timeline.map(({ eventId }) => eventId).slice(0, said.length);
      };
      expect((await order()).slice(0, 2)).toEqual(lasts.toReversed());
      expect((await backfill(limit, second)).added).toBe(Math.min(limit, 10));
      expect((await backfill(4, first)).added).toBe(4);
      while ((await backfill(limit, second)).added > 0);
      expect((await order()).slice(0, 16)).toEqual(said.toReversed().slice(0, 16));
      expect((await backfill(limit, (first ?? 0) - 1)).added).toBe(0);
      while ((await backfill(limit)).added > 0);
      expect(await order()).toEqual(said.toReversed());
    },
  );

  it('stores what the rules forbid without a place, and goes on behind it', async () => {
    const [first] = (await room.messages(1)) as [EventId];
    // Fay is not joined: no honest server has accepted it.
    const forbidden = await room.say({ type: 'm.room.message', sender: FAY, content: {} });
    const [second] = (await room.messages(1)) as [EventId];
    await arrive(await room.say({ type: 'm.room.message', content: { body: 'last' } }));
    expect(await backfillAll(1)).toBe(2);
    const { events } = await seen();
    expect(events.get(forbidden)).toMatchObject({ status: EVENT_STATUS.rejected, position: null });
    expect(events.get(first)?.position).toBeLessThan(events.get(second)?.position ?? 0);
  });

  it('merges the branches of history', async () => {
    const [fork] = (await room.messages(1)) as [EventId];
    const left = await room.say({ type: 'x.y', state_key: '', content: { side: 'left' }, prev: [fork] });
    const right = await room.say({ type: 'x.y', state_key: '', content: { side: 'right' }, prev: [fork] });
    const merge = await room.say({ type: 'm.room.message', content: {}, prev: [left, right] });
    await arrive(await room.say({ type: 'm.room.message', content: { body: 'last' }, prev: [merge] }));
    expect(await backfillAll(50)).toBe(4);
    expect(sorted((await storedStateBefore(merge)) ?? new Map())).toEqual(
      sorted(room.model.stateAfterAll([left, right])),
    );
  });

  it('brings any history in stretches of any length, each event with the state before it', async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', undefined),
      after: fc.array(fc.nat(4), { maxLength: 3 }),
    });
    const steps = fc.array(step, { minLength: 2, maxLength: 15 });
    const property = fc.asyncProperty(steps, fc.integer({ min: 1, max: 20 }), async (all, limit) => {
      await freshRoom();
      const behind: EventId[] = [];
      for (const [n, { key, after }] of all.entries()) {
        const prev = [...new Set(after.flatMap((back) => behind.at(-1 - back) ?? []))];
        behind.push(
          await room.say({
            type: key === undefined ? 'm.room.message' : 'x.y',
            ...(key !== undefined && { state_key: key }),
            content: { n },
            origin_server_ts: Date.now() + n,
            ...(prev.length > 0 && { prev }),
          }),
        );
      }
      await arrive(await room.say({ type: 'm.room.message', content: { body: 'last' } }));
      expect(await backfillAll(limit)).toBe(behind.length);
      for (const id of behind) {
        const expected = room.model.stateAfterAll(room.pdu(id).prev_events as EventId[]);
        expect(sorted((await storedStateBefore(id)) ?? new Map())).toEqual(sorted(expected));
      }
    });
    await fc.assert(property, { numRuns: 50, interruptAfterTimeLimit: 8_000, endOnFailure: true });
  }, 30_000);

  it('applies redactions that came before what they redact', async () => {
    const [secret, mine] = (await room.messages(2)) as [EventId, EventId];
    await room.say({ type: 'm.room.redaction', content: { redacts: mine } });
    const last = await room.say({ type: 'm.room.redaction', content: { redacts: secret } });
    await arrive(last);
    expect(await backfillAll(50)).toBe(3);
    const rows = await service.database.db
      .selectFrom('redactions as r')
      .innerJoin('events as e', 'e.event_nid', 'r.redacted_event_nid')
      .innerJoin('rooms', 'rooms.room_nid', 'e.room_nid')
      .select('e.event_id')
      .where('rooms.room_id', '=', roomId)
      .execute();
    expect(new Set(rows.map((row) => row.event_id))).toEqual(new Set([secret, mine]));
  });

  it('keeps the relations of history, but for what was redacted meanwhile', async () => {
    const [root] = (await room.messages(1)) as [EventId];
    const content = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
    const kept = await room.say({ type: 'm.room.message', content });
    const redacted = await room.say({ type: 'm.room.message', content });
    await arrive(await room.say({ type: 'm.room.redaction', content: { redacts: redacted } }));
    expect(await backfillAll(50)).toBe(3);
    const stored = (await seen()).events.get(kept);
    const roomNid = (await new RoomReader(service.database).byId(roomId))?.roomNid ?? 0;
    const range = { parentId: root, dir: 'f', limit: 10, recurse: false } as const;
    expect(await new RelationReader(service.database).children(roomNid, range)).toHaveLength(1);
    expect(await new ThreadReader(service.database).latest(roomNid, undefined, 10)).toEqual([
      { rootId: root, position: stored?.position },
    ]);
  });

  it('takes nothing that was not asked for, and nothing twice', async () => {
    const ids = await room.messages(3);
    await arrive(await room.say({ type: 'm.room.message', content: { body: 'last' } }));
    const stray = await room.say({ type: 'm.room.message', content: {}, prev: [ids[0] as EventId] });
    network.residents.set(HS2, async (endpoint, ...question) => {
      const answer = await room.answers(endpoint, ...question);
      if (endpoint !== 'backfill') return answer;
      return { pdus: [room.pdu(stray), ...(answer as { pdus: unknown[] }).pdus] as never };
    });
    const results = await Promise.all([backfill(50), backfill(50)]);
    expect(results).toEqual([{ added: 3 }, { added: 3 }]);
    expect(network.countOf('backfill')).toBe(1);
    expect((await seen()).events.has(stray)).toBe(false);
  });

  it('adds nothing when nobody answers, or nobody knows the state', async () => {
    await room.messages(3);
    await arrive(await room.say({ type: 'm.room.message', content: { body: 'last' } }));
    network.residents.clear();
    expect(await backfill(10)).toEqual({ added: 0 });
    network.residents.set(HS2, (endpoint, ...question) =>
      endpoint === 'state_ids' || endpoint === 'state' ? 'silence' : room.answers(endpoint, ...question),
    );
    expect(await backfill(2)).toEqual({ added: 0 });
    // What a question left behind is no obstacle to the next, as after the end of a process.
    network.residents.set(HS2, (endpoint, ...question) =>
      endpoint === 'get_missing_events' ? { events: [] } : room.answers(endpoint, ...question),
    );
    expect(await backfillAll(2)).toBe(3);
  });
});
