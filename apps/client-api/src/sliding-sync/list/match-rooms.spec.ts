import type { RoomId } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import type { RequiredState } from '../required-state.js';
import type { ListConfig, RoomConfig } from '../sliding-request.js';
import { matchRooms, windowsOf } from './match-rooms.js';
import type { ListedRoom } from './room-list.js';

const rooms = Array.from({ length: 6 }, (_, i): ListedRoom => {
  const roomId = `!${i}:x` as RoomId;
  return {
    membership: { roomId, roomNid: i, membership: 'join', eventNid: i, position: i, forgotten: false },
    activity: 100 - i,
  };
});
const all = new Map(rooms.map((room) => [room.membership.roomNid, room]));
const requiredState = (type: string): RequiredState => ({
  include: [{ type }],
  exclude: [],
  lazyMembers: false,
});
const config = (timelineLimit: number, type = 'a'): RoomConfig => ({
  timelineLimit,
  requiredState: requiredState(type),
});
const list = (given: Partial<ListConfig>): ListConfig => ({
  ...config(1),
  ranges: undefined,
  filters: {},
  ...given,
});

describe('windows', () => {
  it.each<[ListConfig['ranges'], number[]]>([
    [undefined, [0, 1, 2, 3, 4, 5]],
    [[[0, 0]], [0]],
    [[[1, 2]], [1, 2]],
    [[[4, 99]], [4, 5]],
    [[[9, 10]], []],
    [
      [
        [3, 4],
        [0, 0],
        [4, 5],
      ],
      [3, 4, 0, 5],
    ],
    [[], []],
  ])('%j', (ranges, expected) => {
    expect(windowsOf([0, 1, 2, 3, 4, 5], ranges)).toEqual(expected);
  });
});

describe('rooms of a request', () => {
  const isEven = ({ membership }: ListedRoom) => membership.roomNid % 2 === 0;

  it('are those in the windows over what passes the filters', async () => {
    const lists = new Map([
      ['even', list({ ranges: [[1, 1]], filters: { isDm: true } })],
      ['all', list({ ranges: [[0, 2]] })],
    ]);
    const matches = await matchRooms(
      { lists, subscriptions: new Map() },
      { listed: rooms, all },
      (filters) => (filters.isDm === true ? isEven : () => true),
    );
    expect(matches.counts).toEqual(
      new Map([
        ['even', 3],
        ['all', 6],
      ]),
    );
    expect(Array.from(matches.rooms, ([nid, match]) => [nid, match.lists])).toEqual([
      [2, ['even', 'all']],
      [0, ['all']],
      [1, ['all']],
    ]);
  });

  it('have the most that any list or subscription asks for', async () => {
    const lists = new Map([
      ['one', list({ ...config(5, 'a') })],
      ['two', list({ ...config(3, 'b'), ranges: [[0, 0]] })],
    ]);
    const subscriptions = new Map([
      ['!0:x' as RoomId, config(9, 'a')],
      ['!unknown:x' as RoomId, config(9, 'a')],
    ]);
    const matches = await matchRooms({ lists, subscriptions }, { listed: rooms, all }, () => () => true);
    expect(matches.rooms.size).toBe(6);
    expect(matches.rooms.get(0)).toMatchObject({
      isSubscribed: true,
      config: { timelineLimit: 9, requiredStates: [requiredState('a'), requiredState('b')] },
    });
    expect(matches.rooms.get(1)).toMatchObject({
      isSubscribed: false,
      config: { timelineLimit: 5, requiredStates: [requiredState('a')] },
    });
  });

  it('are filtered once for lists that filter in the same way, and others have their turns meanwhile', async () => {
    const many = Array.from({ length: 5_000 }, (_, i): ListedRoom => {
      const roomId = `!${i}:x` as RoomId;
      const membership = {
        roomId,
        roomNid: i,
        membership: 'join' as const,
        eventNid: i,
        position: i,
        forgotten: false,
      };
      return { membership, activity: -i };
    });
    const lists = new Map(['a', 'b', 'c'].map((name) => [name, list({ filters: { isDm: name === 'c' } })]));
    let filtered = 0;
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const matches = await matchRooms(
      { lists, subscriptions: new Map() },
      { listed: many, all: new Map() },
      ({ isDm }) =>
        () => {
          filtered++;
          return isDm === true;
        },
    );
    isOver = true;
    expect(filtered).toBe(10_000);
    expect(turns).toBeGreaterThanOrEqual(10);
    expect([...matches.counts.values()]).toEqual([0, 0, 5_000]);
  });

  it('have combined what is asked for once, whichever lists it is that ask', async () => {
    const lists = new Map([
      ['one', list({ ...config(1, 'a'), ranges: [[0, 1]] })],
      ['two', list({ ...config(1, 'b'), ranges: [[1, 2]] })],
      ['three', list({ ...config(1, 'a'), ranges: [[2, 3]] })],
    ]);
    const matches = await matchRooms(
      { lists, subscriptions: new Map() },
      { listed: rooms, all },
      () => () => true,
    );
    const states = [0, 1, 2, 3].map((nid) => matches.rooms.get(nid)?.config.states);
    expect(states[1]).toEqual(states[2]);
    expect(states[0]).toEqual(states[3]);
    expect(states.map((of) => of?.texts.length)).toEqual([1, 2, 2, 1]);
    expect(states[0]?.key).not.toBe(states[1]?.key);
  });

  it('may be subscribed to without being in a list', async () => {
    const subscriptions = new Map([['!3:x' as RoomId, config(2)]]);
    const matches = await matchRooms(
      { lists: new Map(), subscriptions },
      { listed: [], all },
      () => () => true,
    );
    expect([...matches.rooms.keys()]).toEqual([3]);
    expect(matches.rooms.get(3)?.lists).toEqual([]);
  });
});
