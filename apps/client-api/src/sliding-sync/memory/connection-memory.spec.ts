import { describe, expect, it } from '@jest/globals';
import { decodePos, encodePos } from '../pos.js';
import { combineTexts } from '../combined-config.js';
import { type ConnectionMemory, NOTHING, type RoomMemory } from './connection-memory.js';
import { NextMemory } from './next-memory.js';
import { readMemory, writeMemory } from './stored-memory.js';

const positions = {
  events: 5,
  account_data: 4,
  receipts: 3,
  typing: 2,
  presence: 1,
  thread_subscriptions: 6,
  device_lists: 6,
  key_counts: 7,
  to_device: 8,
};
const room = (given: Partial<RoomMemory> = {}): RoomMemory => ({
  told: undefined,
  timelineLimit: 10,
  states: combineTexts([]),
  isDm: false,
  extensions: 0,
  ...given,
});
const TOPIC = JSON.stringify({ include: [{ type: 'm.room.topic' }], exclude: [], lazyMembers: false });
const NAME = JSON.stringify({ include: [{ type: 'm.room.name' }], exclude: [], lazyMembers: true });
const written = (given: ConnectionMemory): string => {
  const text = writeMemory(given);
  if (text === undefined) throw new Error('too large');
  return text;
};
const memory: ConnectionMemory = {
  extensions: 1,
  rooms: new Map([
    [1, room()],
    [2, room({ told: positions, states: combineTexts([TOPIC, NAME]), isDm: true, extensions: 7 })],
    [3, room({ told: positions, states: combineTexts([TOPIC]), extensions: 5 })],
    [4, room({ isDm: true })],
  ]),
};

describe('the memory of a connection', () => {
  it('is read as it was written, in few bytes a room', () => {
    expect(readMemory(written(memory))).toEqual(memory);
    expect(readMemory(written(NOTHING))).toEqual(NOTHING);
    const many = new Map(Array.from({ length: 1000 }, (_, i) => [i, room({ told: positions })]));
    expect(written({ rooms: many, extensions: 0 }).length).toBeLessThan(25_000);
  });

  it('has each list and each combination once, however many rooms there are', () => {
    const texts = Array.from({ length: 100 }, (_, i) =>
      JSON.stringify({ include: [{ type: `${'x'.repeat(1000)}${i}` }] }),
    );
    const combination = (i: number) =>
      combineTexts(texts.filter((_, bit) => bit < 4 || (i >> (bit - 4)) % 2 === 1));
    const many = new Map(Array.from({ length: 500 }, (_, i) => [i, room({ states: combination(i) })]));
    const text = written({ rooms: many, extensions: 0 });
    expect(text.length).toBeLessThan(100_000);
    expect(readMemory(text)?.rooms.get(499)).toEqual(many.get(499));
  });

  it('is not kept when it is too large', () => {
    const own = (i: number) => room({ states: combineTexts([`${'x'.repeat(10_000)}${i}`]) });
    const rooms = (count: number) => new Map(Array.from({ length: count }, (_, i) => [i, own(i)]));
    expect(writeMemory({ rooms: rooms(90), extensions: 0 })).toBeDefined();
    expect(writeMemory({ rooms: rooms(110), extensions: 0 })).toBeUndefined();
    const many = Array.from({ length: 60_000 }, (_, i): [number, RoomMemory] => [1_000_000 + i, room()]);
    expect(writeMemory({ rooms: new Map(many), extensions: 0 })).toBeUndefined();
  });

  it('is read as the release before wrote it, and not as a later one may write it', () => {
    const first = {
      extensions: 1,
      tokens: ['s1_5_4_3_2_1_6'],
      configs: [`[${[TOPIC, NAME].sort().join(',')}]`, '[]'],
      rooms: [
        [7, -1, 10, 1, 0],
        [8, 0, 10, 0, 1024 + 7],
      ],
    };
    expect(readMemory(JSON.stringify(first))?.rooms.get(7)).toEqual(room());
    expect(readMemory(JSON.stringify(first))?.rooms.get(8)).toMatchObject({
      states: combineTexts([NAME, TOPIC]),
      isDm: true,
      extensions: 7,
    });
    expect(readMemory(JSON.stringify({ ...first, version: 3 }))).toBeUndefined();
  });

  it('lets the release before tell all state again', () => {
    const { configs, rooms } = JSON.parse(written(memory)) as { configs: string[]; rooms: number[][] };
    expect(configs).toEqual([]);
    expect(rooms).toHaveLength(4);
  });

  it('changes only when it says something else', () => {
    const next = new NextMemory(memory);
    next.note(1, room());
    next.fallBehind(2, { ...positions, events: 9 });
    next.fallBehind(99, positions);
    next.forget(99);
    next.noteExtensions(1);
    expect(next.isChanged).toBe(false);
    expect(next.memory).toEqual(memory);
    next.fallBehind(1, positions);
    expect(next.isChanged).toBe(true);
    expect(next.room(1)).toEqual(room({ told: positions }));
    expect(memory.rooms.get(1)).toEqual(room());
  });
});

describe('a pos', () => {
  it('names a memory and positions', () => {
    const pos = { connectionNid: 123, serial: 45, positions };
    expect(decodePos(encodePos(pos))).toEqual(pos);
  });

  it.each(['', 's1_1', 's1_1~', 's1_1~1', 's1_1~1_2_3', '~1_1', 's1_1~1_2 ', 's2_1~1_1'])(
    'is not %j',
    (text) => {
      expect(decodePos(text)).toBeUndefined();
    },
  );
});
