import { describe, expect, it } from '@jest/globals';
import type { RoomSummary } from '@atoll/database';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import fc from 'fast-check';
import type { Found, Look, VisibleRoom, VisibleRooms, WantedRoom } from '../room-discovery/visible-rooms.js';
import type { WalkPoint } from './hierarchy-token.js';
import { SpaceWalk } from './space-walk.js';

/** The children of each space; what is not among the keys is a plain room, or hidden if its name begins with `x`. */
type Tree = Record<string, readonly string[]>;

const id = (name: string) => `!${name}:hs1` as RoomId;
const nameOf = (roomId: unknown) => String(roomId).slice(1, -4);

function visible(tree: Tree, name: string): VisibleRoom | undefined {
  if (name.startsWith('x')) return undefined;
  const summary = { room_id: id(name), ...(tree[name] !== undefined && { room_type: 'm.space' }) };
  const children = (tree[name] ?? []).map((child) => ({ roomId: id(child), via: [], stripped: {} }));
  return { summary: summary as RoomSummary, children, told: new Map(), inaccessible: new Set() };
}

/** Finds rooms of a tree, at most so many for one page. */
const finder = (tree: Tree) => ({
  find(wanted: readonly WantedRoom[], { budget }: Look): Promise<Found[]> {
    const looked = wanted.slice(0, budget.rooms);
    budget.rooms -= looked.length;
    return Promise.resolve(looked.map(({ roomId }) => ({ roomId, room: visible(tree, nameOf(roomId)) })));
  },
});

interface Range {
  limit?: number;
  maxDepth?: number;
  rooms?: number;
}

async function pages(tree: Tree, { limit = 100, maxDepth = 10, rooms = 5000 }: Range = {}) {
  const all: string[][] = [];
  let from: WalkPoint | undefined;
  do {
    const look = { viewer: '@a:hs1' as UserId, suggestedOnly: false, budget: { rooms, deadline: Infinity } };
    const walk = new SpaceWalk(finder(tree) as unknown as VisibleRooms, look, { maxDepth, limit });
    const root = visible(tree, 'root') as VisibleRoom;
    if (from === undefined) walk.begin(root);
    else await walk.resume(root, from);
    const page = await walk.page();
    all.push(page.rooms.map(({ room_id }: JsonObject) => nameOf(room_id)));
    from = page.next;
  } while (from !== undefined);
  return all;
}

const many = (count: number, prefix = 'r') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe('a walk through spaces', () => {
  it('gives the same rooms in the same order whatever the pages are', async () => {
    const names = ['root', ...many(6, 's'), ...many(6), 'x0', 'x1'];
    const children = fc.array(fc.constantFrom(...names), { maxLength: 6 });
    const trees = fc.record(Object.fromEntries(['root', ...many(6, 's')].map((name) => [name, children])));
    const sizes = fc.record({
      limit: fc.integer({ min: 1, max: 5 }),
      maxDepth: fc.integer({ min: 0, max: 4 }),
      rooms: fc.integer({ min: 8, max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(trees, sizes, async (tree: Tree, range) => {
        const [whole = [], ...more] = await pages(tree, { maxDepth: range.maxDepth });
        expect(more.flat()).toEqual([]);
        expect(new Set(whole).size).toBe(whole.length);
        const paged = await pages(tree, range);
        expect(paged.flat()).toEqual(whole);
        expect(Math.max(...paged.map(({ length }) => length))).toBeLessThanOrEqual(range.limit);
      }),
      { numRuns: 300 },
    );
  });

  it('ends after a thousand rooms', async () => {
    const tree = { root: many(1500) };
    expect((await pages(tree)).flat()).toHaveLength(1000);
    expect((await pages(tree)).map(({ length }) => length)[0]).toBe(1);
  });

  it('goes on with the next page behind a thousand children', async () => {
    const tree = { root: ['s', 'end'], s: many(998) };
    expect((await pages(tree)).map((page) => page.slice(0, 2))).toEqual([
      ['root', 's'],
      ...many(9).map((_, i) => [`r${i * 100}`, `r${i * 100 + 1}`]),
      ['r900', 'r901'],
    ]);
  });

  it('goes on where nothing is left to ask with, and ends where that gets nowhere', async () => {
    expect(await pages({ root: ['a', 'b', 'c'] }, { rooms: 2 })).toEqual([['root', 'a', 'b'], ['c']]);
    const deep = { root: ['s0'], s0: ['s1'], s1: ['s2'], s2: ['end'] };
    expect((await pages(deep, { rooms: 2 })).flat()).toEqual(['root', 's0', 's1']);
  });
});
