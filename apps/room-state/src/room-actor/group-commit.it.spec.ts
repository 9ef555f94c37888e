import { DatabaseUnavailable, RoomTransactor } from '@atoll/database';
import type { EventId, RoomId } from '@atoll/matrix';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { GroupCommit } from './group-commit.js';
import { RoomRegistry } from './room-registry.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';

describe('commits that fail', () => {
  let service: TestRoomState;
  let transactor: RoomTransactor;
  beforeAll(async () => {
    service = await startTestRoomState();
    transactor = service.module.get(RoomTransactor);
    await service.database.pool.query(
      `ALTER TABLE events ADD CONSTRAINT no_poison CHECK (json NOT LIKE '%poison%')`,
    );
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(() => service.stop());

  const pdus = async (roomId: RoomId) =>
    (
      await service.database.db
        .selectFrom('event_positions as p')
        .innerJoin('events as e', 'e.event_nid', 'p.event_nid')
        .innerJoin('rooms as r', 'r.room_nid', 'p.room_nid')
        .select(['e.event_id', 'e.json'])
        .where('r.room_id', '=', roomId)
        .orderBy('p.position')
        .execute()
    ).map(({ event_id, json }) => ({
      eventId: event_id,
      ...(JSON.parse(json) as { content: { body?: string }; prev_events: EventId[] }),
    }));

  /** Every event names exactly its predecessor: nothing is missing and nothing forked. */
  async function bodiesOfChain(roomId: RoomId): Promise<string[]> {
    const events = await pdus(roomId);
    events.forEach((event, index) => {
      expect(event.prev_events).toEqual(index === 0 ? [] : [events[index - 1]?.eventId]);
    });
    return events.flatMap(({ content }) => content.body ?? []);
  }

  /** The next commit waits until it is told how to end. */
  function holdNextCommit() {
    const reached = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<undefined>();
    const real = transactor.commit.bind(transactor);
    jest.spyOn(transactor, 'commit').mockImplementationOnce(async (batch) => {
      reached.resolve(undefined);
      await held.promise;
      return real(batch);
    });
    return {
      reached: reached.promise,
      pass: () => {
        held.resolve(undefined);
      },
      fail: () => {
        held.reject(new DatabaseUnavailable('gone'));
      },
    };
  }

  it('fail the one command that causes it, and no other', async () => {
    const rooms = await Promise.all(Array.from({ length: 6 }, () => service.createRoom()));
    const [first = '' as RoomId] = rooms;
    const sent = rooms.flatMap((roomId) =>
      ['a', 'b', 'c'].map((body) => service.message(roomId, ALICE, body)),
    );
    const poison = service.message(first, ALICE, 'poison');
    const after = [...rooms, first].map((roomId) => service.message(roomId, ALICE, 'd'));
    await expect(poison).rejects.toMatchObject({ code: '23514' });
    await Promise.all([...sent, ...after]);
    expect(await bodiesOfChain(first)).toEqual(['a', 'b', 'c', 'd', 'd']);
    for (const roomId of rooms.slice(1)) expect(await bodiesOfChain(roomId)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('of a partition that was lost let the other partitions go on in the same turn', async () => {
    const rooms = await Promise.all(Array.from({ length: 8 }, () => service.createRoom()));
    const partitions = await service.database.db
      .selectFrom('rooms')
      .select(['room_id', 'partition'])
      .where('room_id', 'in', rooms)
      .execute();
    const lost = partitions[0]?.partition ?? -1;
    const owner = (name: string, epoch: number) =>
      service.database.db
        .updateTable('partitions')
        .set({ owner: name, epoch })
        .where('partition', '=', lost)
        .execute();
    await owner('other', 2);
    const results = await Promise.allSettled(rooms.map((roomId) => service.message(roomId, ALICE, 'x')));
    await owner('room-state-test', 1);
    rooms.forEach((roomId, index) => {
      const isLost = partitions.find(({ room_id }) => room_id === roomId)?.partition === lost;
      expect(results[index]?.status).toBe(isLost ? 'rejected' : 'fulfilled');
    });
  });

  it('undo what was decided on them while they failed', async () => {
    const roomId = await service.createRoom();
    await service.message(roomId, ALICE, 'zero');
    const commit = holdNextCommit();
    const one = service.message(roomId, ALICE, 'one');
    await commit.reached;
    // The second command has built on the first and is about to be taken when the commit fails.
    const reserved = Promise.withResolvers<undefined>();
    const inTurn = Promise.withResolvers<undefined>();
    const real = transactor.reserveEventNid.bind(transactor);
    jest.spyOn(transactor, 'reserveEventNid').mockImplementationOnce(async () => {
      inTurn.resolve(undefined);
      await reserved.promise;
      return real();
    });
    const two = service.message(roomId, ALICE, 'two');
    await inTurn.promise;
    commit.fail();
    await new Promise(setImmediate);
    reserved.resolve(undefined);
    await Promise.all([one, two]);
    expect((await bodiesOfChain(roomId)).sort()).toEqual(['one', 'two', 'zero']);
  });

  it('take back answers that stood on them', async () => {
    const roomId = await service.createRoom({ preset: 'public_chat' });
    const name = { roomId, sender: ALICE, type: 'm.room.name', stateKey: '', content: { name: 'x' } };
    const commit = holdNextCommit();
    const settled: string[] = [];
    const note = (label: string) => () => settled.push(label);
    const all = Promise.all([
      service.send(name).finally(note('name')),
      service.membership({ roomId, sender: BOB, target: BOB, action: 'join' }).finally(note('join')),
      // Nothing to change by what is not yet durable.
      service.send(name).finally(note('same name')),
      service.membership({ roomId, sender: BOB, target: BOB, action: 'join' }).finally(note('same join')),
    ]);
    await commit.reached;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(settled).toEqual([]);
    commit.fail();
    const [first, , second] = await all;
    expect(second).toEqual(first);
    expect((await pdus(roomId)).at(-1)?.prev_events).toEqual([(await pdus(roomId)).at(-2)?.eventId]);
  });

  it('leave rooms in memory of which they would have changed nothing', async () => {
    const [changed, same] = [await service.createRoom(), await service.createRoom({ preset: 'public_chat' })];
    const join = { roomId: same, sender: BOB, target: BOB, action: 'join' } as const;
    await service.membership(join);
    const registry = service.module.get(RoomRegistry);
    const [changedActor, sameActor] = [await registry.acquire(changed), await registry.acquire(same)];
    const first = holdNextCommit();
    const sent = [service.message(same, ALICE, 'a')];
    await first.reached;
    // These wait for the next commit together: what changes nothing was decided on what is in the first.
    const second = holdNextCommit();
    const enqueued = jest.spyOn(GroupCommit.prototype, 'enqueue').mock.calls;
    sent.push(service.message(changed, ALICE, 'b'));
    const again = service.membership(join);
    while (enqueued.length < 2) await new Promise(setImmediate);
    first.pass();
    await second.reached;
    second.fail();
    await Promise.all([...sent, again]);
    expect([changedActor?.dropped, sameActor?.dropped]).toEqual([true, false]);
    for (const actor of [changedActor, sameActor]) if (actor) registry.release(actor);
    expect(await bodiesOfChain(changed)).toEqual(['b']);
    expect(await bodiesOfChain(same)).toEqual(['a']);
  });

  it('are found out when their connection breaks on the way, and answered once', async () => {
    const roomId = await service.createRoom();
    const real = transactor.commit.bind(transactor);
    const { CommitInDoubt } = await import('@atoll/database');
    jest.spyOn(transactor, 'commit').mockImplementationOnce(async (batch) => {
      await real(batch);
      throw new CommitInDoubt('broke after the commit');
    });
    const done = await service.message(roomId, ALICE, 'done');
    jest.spyOn(transactor, 'commit').mockImplementationOnce(() => {
      throw new CommitInDoubt('broke before the commit');
    });
    await service.message(roomId, ALICE, 'again');
    expect(await bodiesOfChain(roomId)).toEqual(['done', 'again']);
    expect((await pdus(roomId)).at(-2)?.eventId).toBe(done.eventId);
  });

  it('end no other commits, whatever is thrown where nobody expects it', async () => {
    const roomId = await service.createRoom();
    jest.spyOn(service.announcer, 'publish').mockImplementationOnce(() => {
      throw new Error('nobody expects this');
    });
    await service.message(roomId, ALICE, 'one');
    await service.message(roomId, ALICE, 'two');
    expect(await bodiesOfChain(roomId)).toEqual(['one', 'two']);
  });

  it('are not begun for callers that have gone', async () => {
    const roomId = await service.createRoom();
    const late = service.sendUntil(Date.now() - 1, roomId, 'late');
    await expect(late).rejects.toMatchObject({ status: 503, extra: { retry_after_ms: 1000 } });
    expect(await bodiesOfChain(roomId)).toEqual([]);
  });

  it('leave room for others: one room has a bound on the commands in hand', async () => {
    const [hot, other] = [await service.createRoom(), await service.createRoom()];
    const commit = holdNextCommit();
    const all = Array.from({ length: 600 }, (_, i) => service.message(hot, ALICE, `${i}`));
    await commit.reached;
    const elsewhere = service.message(other, ALICE, 'x');
    commit.pass();
    const results = await Promise.allSettled(all);
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const refusal of refused) expect(refusal).toMatchObject({ reason: { status: 503 } });
    await elsewhere;
    expect(await bodiesOfChain(hot)).toHaveLength(600 - refused.length);
  });
});
