import { type PlacedRow, RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { alice, type Asked, bob, startAsked } from '../room-reads.spec-support.js';
import { JoinAnswers } from './join-answers.js';

const user = (name: string) => `@${name}:hs3` as UserId;

describe('the answer to a join', () => {
  let asked: Asked;
  let rooms = 0;
  beforeAll(async () => {
    asked = await startAsked();
  });
  afterAll(() => asked.close());

  interface StateEvent {
    readonly type: string;
    readonly state_key: string;
  }
  interface Answer {
    readonly members_omitted: boolean;
    readonly servers_in_room?: string[];
    readonly event: JsonObject;
    readonly state: StateEvent[];
    readonly auth_chain: StateEvent[];
  }

  /** A room into which bob came last. */
  async function joined(
    more: (room: RoomRows, auth: PlacedRow[]) => Promise<void> = () => Promise.resolve(),
  ) {
    const room = await RoomRows.create(asked.database, { roomId: `!join${(rooms += 1)}:hs1` as RoomId });
    const member = (name: UserId, membership: string, authEvents: PlacedRow[]) =>
      room.event({
        ...{ type: 'm.room.member', sender: name, stateKey: name, authEvents },
        content: { membership },
      });
    const create = await room.state('m.room.create', alice, {});
    const auth = [create, await member(alice, 'join', [create])];
    await member(user('gone'), 'leave', auth);
    for (const n of [1, 2, 3, 4, 5, 6]) await member(user(`carol${n}`), 'join', auth);
    await more(room, auth);
    const { eventNid } = await member(bob, 'join', auth);
    return async (omitMembers: boolean) => {
      let text = '';
      for await (const part of asked.app
        .get(JoinAnswers, { strict: false })
        .parts(eventNid, '{"the":"join"}', omitMembers)) {
        text += part;
      }
      return JSON.parse(text) as Answer;
    };
  }
  const keys = (events: readonly StateEvent[]) =>
    events.map(({ type, state_key }) => `${type} ${state_key}`).sort();
  const CREATE = 'm.room.create ';
  const members = (...names: UserId[]) => names.map((name) => `m.room.member ${name}`);
  const HEROES = [alice, ...[1, 2, 3, 4].map((n) => user(`carol${n}`))];

  it('is the whole state before it, with its authority', async () => {
    const answer = await (await joined())(false);
    expect(answer).toMatchObject({ members_omitted: false, event: { the: 'join' } });
    expect(answer).not.toHaveProperty('servers_in_room');
    const carols = [1, 2, 3, 4, 5, 6].map((n) => user(`carol${n}`));
    expect(keys(answer.state)).toEqual([CREATE, ...members(alice, ...carols, user('gone'))].sort());
    expect(keys(answer.auth_chain)).toEqual([CREATE, ...members(alice)].sort());
  });

  it('is without members, but for those by whom a room without a name is called; nothing comes twice', async () => {
    const answer = await (await joined())(true);
    expect(answer).toMatchObject({ members_omitted: true, event: { the: 'join' } });
    expect(keys(answer.state)).toEqual([CREATE, ...members(...HEROES)].sort());
    expect(answer.auth_chain).toEqual([]);
  });

  it.each([
    ['m.room.name', { name: 'The room' }],
    ['m.room.canonical_alias', { alias: '#room:hs1' }],
  ])(
    'is without any members where the room has a %s; those it rests on are its authority',
    async (type, content) => {
      const answer = await (
        await joined(async (room, authEvents) => {
          await room.event({ type, sender: alice, stateKey: '', content, authEvents });
        })
      )(true);
      expect(keys(answer.state)).toEqual([CREATE, `${type} `].sort());
      expect(keys(answer.auth_chain)).toEqual(members(alice));
    },
  );

  it('names the servers that were in the room before', async () => {
    expect((await (await joined())(true)).servers_in_room).toEqual(['hs3', 'hs1']);
    const again = await joined(async (room) => {
      await room.member('@dave:hs2' as UserId, 'join');
    });
    expect((await again(true)).servers_in_room).toEqual(['hs3', 'hs1', 'hs2']);
  });
});
