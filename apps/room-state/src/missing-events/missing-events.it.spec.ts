import { EVENT_STATUS, StateReader } from '@atoll/database';
import { parseExactJson } from '@atoll/event-crypto';
import type { EventId, JsonObject, JsonValue, RoomId, ServerName, UserId } from '@atoll/matrix';
import { eventIdOf, type RoomVersionRules, rulesOf, stateKey } from '@atoll/room-rules';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EVE, HS2, RemoteServer } from '../remote-server.spec-support.js';
import {
  countStaged,
  type Resident,
  ResidentRoom,
  ScriptedNetwork,
  stage,
  until,
} from '../resident-server.spec-support.js';
import { RoomModel } from '../room-model.spec-support.js';
import { StagedPdus } from '../staged-pdus/staged-pdus.js';
import { ALICE, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

const RULES = rulesOf('12') as RoomVersionRules;
/** Of a server that sends what the room version forbids. */
const LENIENT: RoomVersionRules = { ...RULES, strictCanonicalJson: false };
const FAY = '@fay:hs2' as UserId;
const HS3 = 'hs3' as ServerName;
const memberEvent = (user: UserId, membership: string) => ({
  type: 'm.room.member',
  sender: user,
  state_key: user,
  content: { membership },
});

describe('events behind a gap', () => {
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
  beforeEach(async () => {
    roomId = await service.createRoom({
      preset: 'public_chat',
      powerLevelContentOverride: { state_default: 0 },
    });
    await server.send(roomId, '12', memberEvent(EVE, 'join'));
    room = await ResidentRoom.of(service, server, roomId);
    network.asked.splice(0);
    network.residents.clear();
    network.residents.set(HS2, room.answers);
  });

  const stageIds = (ids: readonly EventId[], origin?: ServerName) =>
    stage(
      service,
      roomId,
      ids.map((eventId) => ({ eventId, pdu: room.pdu(eventId) })),
      origin,
    );
  const drained = () => until(async () => (await countStaged(service, roomId)) === 0);
  const seen = () => RoomModel.read(service.database, roomId, RULES);
  const putOff = (eventId: EventId) =>
    until(async () => {
      const { db } = service.database;
      const row = await db
        .selectFrom('staged_pdus')
        .select('tries')
        .where('event_id', '=', eventId)
        .executeTakeFirst();
      return row?.tries === 1;
    });

  async function currentState(): Promise<Map<string, EventId>> {
    const { room_nid } = await service.database.db
      .selectFrom('rooms')
      .select('room_nid')
      .where('room_id', '=', roomId)
      .executeTakeFirstOrThrow();
    const entries = await new StateReader(service.database).currentState(room_nid);
    return new Map(entries.map((entry) => [stateKey(entry.type, entry.stateKey), entry.eventId]));
  }

  async function backward(): Promise<EventId[]> {
    const rows = await service.database.db
      .selectFrom('backward_extremities as b')
      .innerJoin('rooms as r', 'r.room_nid', 'b.room_nid')
      .select('b.event_id')
      .where('r.room_id', '=', roomId)
      .execute();
    return rows.map((row) => row.event_id);
  }

  const withAnswer =
    (endpoint: string, answer: (original: JsonObject) => JsonObject): Resident =>
    async (asked, ...rest) => {
      const original = await room.answers(asked, ...rest);
      return asked === endpoint ? answer(original as JsonObject) : original;
    };

  it('come in their place though events that are here stand between them', async () => {
    const local: EventId[] = [];
    for (let n = 0; n < 80; n += 1) local.push((await service.message(roomId, ALICE, `here ${n}`)).eventId);
    const { events } = await seen();
    for (const id of local) room.model.add(events.get(id) as NonNullable<ReturnType<typeof events.get>>);
    const ids: EventId[] = [];
    for (const id of local) {
      const prev = [...ids.slice(-1), id];
      ids.push(await room.say({ type: 'm.room.message', content: { n: ids.length }, prev }));
    }
    await stageIds(ids.slice(-1));
    await drained();
    const timeline = new Set((await seen()).timeline().map(({ eventId }) => eventId));
    expect(ids.filter((id) => !timeline.has(id))).toEqual([]);
    expect(network.countOf('state_ids')).toBe(0);
    expect(await backward()).toEqual([]);
  });

  it('that is too long are placed by the state at its end', async () => {
    const [first] = await room.messages(1);
    const joined = await room.say(memberEvent(FAY, 'join'));
    const topic = await room.say({
      ...{ type: 'x.y', state_key: EVE, sender: EVE },
      content: { topic: 'behind the gap' },
    });
    const ids = await room.messages(130);
    const last = await room.say({ type: 'm.room.message', sender: FAY, content: { body: 'hello' } });
    await stageIds([last]);
    await drained();
    const model = await seen();
    expect(model.events.get(last)?.status).toBe(EVENT_STATUS.accepted);
    expect(network.countOf('get_missing_events')).toBe(5);
    expect(network.countOf('state_ids')).toBe(1);
    const state = await currentState();
    expect(state.get(stateKey('m.room.member', FAY))).toBe(joined);
    expect(state.get(stateKey('x.y', EVE))).toBe(topic);
    expect(model.events.get(topic)?.status).toBe(EVENT_STATUS.outlier);
    expect(model.events.has(first as EventId)).toBe(false);
    expect(await backward()).toEqual([ids[130 - 101]]);
  });

  it('do not bring the history behind the gap into the timeline with them', async () => {
    const ids = await room.messages(130);
    const fork = ids.at(-1) as EventId;
    network.residents.set(
      HS2,
      withAnswer('get_missing_events', () => ({ events: [] })),
    );
    await stageIds([await room.say({ type: 'm.room.message', content: {}, prev: [fork] })]);
    await drained();
    network.residents.set(HS2, room.answers);
    const behind = (await seen()).timeline().length;
    const sibling = await room.say({ type: 'm.room.message', content: { n: 1 }, prev: [fork] });
    const last = await room.say({ type: 'm.room.message', content: { n: 2 }, prev: [sibling] });
    await stageIds([last]);
    await drained();
    const timeline = (await seen()).timeline().map(({ eventId }) => eventId);
    expect(timeline.slice(behind)).toEqual([sibling, last]);
  });

  it('of many unknown state events are placed by the whole state at once', async () => {
    for (let n = 0; n < 110; n += 1) {
      await room.say({ type: `x.${n}`, state_key: '', sender: EVE, content: {} });
    }
    await room.messages(110);
    const last = await room.say({ type: 'm.room.message', content: {} });
    await stageIds([last]);
    await drained();
    expect(network.countOf('state')).toBe(1);
    expect(network.countOf('event')).toBeLessThanOrEqual(1);
    expect((await currentState()).size).toBe(room.model.stateAfterAll([last]).size);
  });

  it('are placed by another server of the room where the origin lies about the state', async () => {
    const ids = await room.messages(130);
    const last = ids.at(-1) as EventId;
    network.residents.set(
      HS3,
      withAnswer('state_ids', ({ auth_chain_ids }) => ({ auth_chain_ids, pdu_ids: [] })),
    );
    await stageIds([last], HS3);
    await drained();
    expect(network.asked.filter((one) => one.endsWith('state_ids'))).toEqual([
      'hs3 state_ids',
      'hs2 state_ids',
    ]);
    expect((await seen()).events.get(last)?.status).toBe(EVENT_STATUS.accepted);
  });

  it('do not bring events that were not asked for, nor such as nobody signed', async () => {
    const [first, second] = (await room.messages(2)) as [EventId, EventId];
    const before = (await seen()).timeline().at(-1)?.eventId as EventId;
    const stray = await room.say({ type: 'm.room.message', content: { body: 'stray' }, prev: [before] });
    network.residents.set(
      HS2,
      withAnswer('get_missing_events', () => ({
        events: [
          { ...room.pdu(first), content: { body: 'forged' }, signatures: {} },
          room.pdu(stray) as unknown as JsonObject,
          'no event',
        ],
      })),
    );
    await stageIds([second]);
    await drained();
    const { events } = await seen();
    expect(events.has(stray)).toBe(false);
    // Its predecessor came as the event before which the state was asked for.
    expect(events.get(first)).toMatchObject({ status: EVENT_STATUS.outlier });
    expect(events.get(second)).toMatchObject({ status: EVENT_STATUS.accepted });
  });

  it.each(['0.5', '1.0', '9007199254740992'])('wait behind an event with the number %s', async (number) => {
    const content = { number: parseExactJson(number) as JsonValue };
    const said = { type: 'm.room.message', content, prev: room.model.headsOf(room.model.timeline()) };
    const pdu = await server.eventOn(room.model, roomId, LENIENT, said, true);
    const bad = eventIdOf(pdu, LENIENT);
    room.model.add({ eventId: bad, roomId, pdu, rejected: false });
    const child = await room.say({ type: 'm.room.message', content: {}, prev: [bad] });
    await stageIds([child]);
    await putOff(child);
    const { events } = await seen();
    expect([bad, child].filter((id) => events.has(id))).toEqual([]);
    expect(network.countOf('get_missing_events')).toBe(1);
  });

  it('come in their place when nobody could be asked for them at first', async () => {
    const [first, second] = (await room.messages(2)) as [EventId, EventId];
    network.residents.set(HS2, (asked, ...rest) =>
      asked === 'get_missing_events' ? 'silence' : room.answers(asked, ...rest),
    );
    await stageIds([second]);
    await putOff(second);
    expect(network.countOf('state_ids')).toBe(0);
    network.residents.set(HS2, room.answers);
    const { db } = service.database;
    await db.updateTable('staged_pdus').set({ retry_at: 0 }).where('event_id', '=', second).execute();
    service.module.get(StagedPdus).wake(roomId);
    await drained();
    const { events } = await seen();
    expect([first, second].filter((id) => events.has(id))).toEqual([first, second]);
    expect(await backward()).toEqual([]);
  });

  it('are done without when nobody can be asked for them again and again', async () => {
    const [, second] = (await room.messages(2)) as [EventId, EventId];
    network.residents.set(HS2, (asked, ...rest) =>
      asked === 'get_missing_events' ? 'silence' : room.answers(asked, ...rest),
    );
    await stageIds([second]);
    await putOff(second);
    const { db } = service.database;
    await db
      .updateTable('staged_pdus')
      .set({ retry_at: 0, tries: 3 })
      .where('event_id', '=', second)
      .execute();
    service.module.get(StagedPdus).wake(roomId);
    await drained();
    expect((await seen()).events.has(second)).toBe(true);
  });

  it('wait when every server lies', async () => {
    const [, second] = (await room.messages(2)) as [EventId, EventId];
    network.residents.set(HS2, () => ({ events: [], pdu_ids: [], auth_chain_ids: [], pdus: [] }));
    await stageIds([second]);
    await putOff(second);
    expect((await seen()).events.has(second)).toBe(false);
  });

  it('whose authority is unknown are judged when it was brought', async () => {
    const model = await seen();
    const head = model.headsOf(model.timeline());
    const join = await room.say({ ...memberEvent(FAY, 'join'), prev: head });
    const levels = model.timeline().find(({ pdu }) => pdu.type === 'm.room.power_levels')?.eventId as EventId;
    // Where it stands, Fay is not joined, whatever it cites.
    const said = await room.say({
      ...{ type: 'm.room.message', sender: FAY, content: {} },
      prev: head,
      auth: [levels, join],
    });
    await stageIds([said]);
    await drained();
    const { events } = await seen();
    expect(network.asked).toEqual(['hs2 event_auth']);
    expect(events.get(join)?.status).toBe(EVENT_STATUS.outlier);
    expect(events.get(said)?.status).toBe(EVENT_STATUS.rejected);
  });
});
