import { EventReader, RelationReader, RoomReader, ThreadReader } from '@atoll/database';
import type { EventId, RoomId, UserId } from '@atoll/matrix';
import { eventIdOf, rulesOf, type RoomVersionRules } from '@atoll/room-rules';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EVE, type RemoteEvent, RemoteServer } from '../remote-server.spec-support.js';
import { RoomModel } from '../room-model.spec-support.js';
import { ALICE, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

const RULES = rulesOf('12') as RoomVersionRules;

describe('relations of committed events', () => {
  let service: TestRoomState;
  let server: RemoteServer;
  let roomId: RoomId;
  let roomNid: number;
  let root: EventId;

  beforeAll(async () => {
    service = await startTestRoomState();
    server = new RemoteServer(service);
    await server.publishKey();
  });
  afterAll(() => service.stop());

  beforeEach(async () => {
    roomId = await service.createRoom({ preset: 'public_chat' });
    roomNid = (await new RoomReader(service.database).byId(roomId))?.roomNid ?? 0;
    await server.send(roomId, '12', {
      type: 'm.room.member',
      sender: EVE,
      state_key: EVE,
      content: { membership: 'join' },
    });
    root = (await send(ALICE, 'm.room.message', { body: 'root' })).eventId;
  });

  const send = (sender: UserId, type: string, content: object, redacts?: EventId) =>
    service.send({ roomId, sender, type, content: content as never, ...(redacts && { redacts }) });
  const reply = (parent = root) => ({
    body: 'reply',
    'm.relates_to': { rel_type: 'm.thread', event_id: parent },
  });
  const ids = async (nids: readonly number[]) => {
    const found = await new EventReader(service.database).byNids(nids);
    return nids.map((nid) => found.get(nid)?.eventId);
  };
  const children = async (parentId = root) =>
    ids(
      await new RelationReader(service.database).children(roomNid, {
        parentId,
        dir: 'f',
        limit: 10,
        recurse: false,
      }),
    );
  const threads = async () =>
    (await new ThreadReader(service.database).latest(roomNid, undefined, 10)).map(({ rootId }) => rootId);

  /** Events of Eve's that follow each other; a later one may name an earlier one. */
  async function remote(...events: ((earlier: EventId[]) => RemoteEvent)[]): Promise<EventId[]> {
    const model = await RoomModel.read(service.database, roomId, RULES);
    const made: EventId[] = [];
    const pdus: string[] = [];
    for (const event of events) {
      const prev = model.headsOf(model.timeline());
      const pdu = await server.eventOn(model, roomId, RULES, {
        depth: 50 + made.length,
        prev,
        ...event(made),
      });
      const eventId = eventIdOf(pdu, RULES);
      model.add({ eventId, roomId, pdu, rejected: false });
      made.push(eventId);
      pdus.push(JSON.stringify(pdu));
    }
    const { results } = await service.accept({ roomId, pdus });
    expect(results.map(({ outcome }) => outcome)).toEqual(made.map(() => 'accepted'));
    return made;
  }

  it('are there with their events, and threads move with their replies', async () => {
    const first = await send(ALICE, 'm.room.message', reply());
    expect(await children()).toEqual([first.eventId]);
    expect(await threads()).toEqual([root]);
    const redacted = await send(ALICE, 'm.room.message', reply());
    await send(ALICE, 'm.room.redaction', {}, redacted.eventId);
    await send(ALICE, 'm.room.redaction', {}, first.eventId);
    expect(await children()).toEqual([]);
    expect(await threads()).toEqual([]);
    await send(ALICE, 'm.room.message', reply());
    expect(await threads()).toEqual([root]);
  });

  it('hold ids of parents as they stand, also of those that do not exist', async () => {
    const odd = [`$'); DROP TABLE threads; --`, '$back\\slash', '$ünïcode 💥'] as EventId[];
    for (const parent of odd) {
      const { eventId } = await send(ALICE, 'm.room.message', reply(parent));
      expect(await children(parent)).toEqual([eventId]);
    }
  });

  it('are none where the relation is none', async () => {
    for (const relation of [
      { rel_type: 'x'.repeat(300), event_id: root },
      { rel_type: '\0', event_id: root },
      'x',
    ]) {
      await send(ALICE, 'm.room.message', { 'm.relates_to': relation });
    }
    expect(await children()).toEqual([]);
  });

  it('of other servers: a reply and its redaction may come in one commit', async () => {
    const [kept] = (await remote(
      () => ({ type: 'm.room.message', content: reply() }),
      () => ({ type: 'm.room.message', content: reply() }),
      ([, last]) => ({ type: 'm.room.redaction', content: { redacts: last } }),
    )) as [EventId];
    expect(await children()).toEqual([kept]);
    const stored = await new EventReader(service.database).byIds([kept]);
    expect(await new ThreadReader(service.database).latest(roomNid, undefined, 10)).toEqual([
      { rootId: root, position: stored.get(kept)?.position },
    ]);
  });
});
