import { decodeToken, encodeToken } from '@atoll/database';
import { type CombinedStates, combineTexts } from '../combined-config.js';
import type { RequiredState } from '../required-state.js';
import type { ConnectionMemory, RoomMemory } from './connection-memory.js';

/**
 * Bytes of JSON. A room takes some 20, so it is rather what an account with tens of thousands of rooms needs, or what a client makes
 * up that asks for other state in each of them.
 */
const LARGEST_MEMORY = 1024 * 1024;
const IS_DM = 1 << 10;
const NO_STATES = combineTexts([]);

/** nid, index of the token or -1, timeline limit, index of what says which state, flags */
type StoredRoom = readonly [number, number, number, number, number];

/** Rooms share tokens and required state: each of these is written once, and named by index. */
interface StoredMemory {
  readonly version: 2;
  readonly extensions: number;
  readonly tokens: readonly string[];
  /** The release before this one looks here for what its rooms have: it finds nothing, and tells the state again. */
  readonly configs: readonly [];
  /** What single lists and subscriptions ask for. */
  readonly states: readonly string[];
  /** Of these, the indexes of those that go together. */
  readonly combinations: readonly { readonly key: string; readonly of: readonly number[] }[];
  readonly rooms: readonly StoredRoom[];
}

/** As it was before there were versions: each combination was written out. */
interface FirstStoredMemory extends Pick<StoredMemory, 'extensions' | 'tokens' | 'rooms'> {
  readonly version?: undefined;
  readonly configs: readonly string[];
}

/** @returns undefined when it is too large to be kept */
export function writeMemory({ rooms, extensions }: ConnectionMemory): string | undefined {
  const tokens = new Indexer();
  const states = new Indexer();
  const combinations = new Map<string, { index: number; of: number[] }>();
  let size = 0;
  const combinationOf = ({ key, texts }: CombinedStates): number => {
    const known = combinations.get(key);
    if (known) return known.index;
    const of = texts.map((text) => {
      if (!states.has(text)) size += Buffer.byteLength(text);
      return states.indexOf(text);
    });
    // Digits and commas.
    size += 3 * of.length;
    combinations.set(key, { index: combinations.size, of });
    return combinations.size - 1;
  };
  const storedRooms: StoredRoom[] = [];
  for (const [nid, room] of rooms) {
    storedRooms.push([
      nid,
      room.told === undefined ? -1 : tokens.indexOf(encodeToken(room.told)),
      room.timelineLimit,
      combinationOf(room.states),
      room.extensions + (room.isDm ? IS_DM : 0),
    ]);
    // What is by far too large is not even made.
    if (size > LARGEST_MEMORY) return undefined;
  }
  const stored: StoredMemory = {
    version: 2,
    extensions,
    tokens: tokens.values,
    configs: [],
    states: states.values,
    combinations: Array.from(combinations, ([key, { of }]) => ({ key, of })),
    rooms: storedRooms,
  };
  const text = JSON.stringify(stored);
  return Buffer.byteLength(text) > LARGEST_MEMORY ? undefined : text;
}

/** Reads what {@link writeMemory} wrote, in this release or the one before. @returns undefined for what a later one wrote */
export function readMemory(text: string): ConnectionMemory | undefined {
  const stored = JSON.parse(text) as StoredMemory | FirstStoredMemory | { readonly version: 3 };
  if (stored.version === undefined) {
    return memoryOf(stored, stored.configs.map(readFirstConfig));
  }
  if (stored.version !== 2) return undefined;
  const { states, combinations } = stored;
  const readCombination = ({ key, of }: (typeof combinations)[number]) => ({
    key,
    texts: of.map((index) => states[index] ?? ''),
  });
  return memoryOf(stored, combinations.map(readCombination));
}

function memoryOf(
  { extensions, tokens, rooms }: Pick<StoredMemory, 'extensions' | 'tokens' | 'rooms'>,
  states: readonly CombinedStates[],
): ConnectionMemory {
  const positions = tokens.map((token) => decodeToken(token));
  const readRoom = ([nid, token, timelineLimit, config, flags]: StoredRoom): [number, RoomMemory] => [
    nid,
    {
      told: token < 0 ? undefined : positions[token],
      timelineLimit,
      states: states[config] ?? NO_STATES,
      isDm: (flags & IS_DM) !== 0,
      extensions: flags & ~IS_DM,
    },
  ];
  return { extensions, rooms: new Map(rooms.map(readRoom)) };
}

function readFirstConfig(config: string): CombinedStates {
  return combineTexts((JSON.parse(config) as RequiredState[]).map((state) => JSON.stringify(state)));
}

/** Gives values that are the same the same index. */
class Indexer {
  readonly values: string[] = [];
  private readonly indexes = new Map<string, number>();

  has(value: string): boolean {
    return this.indexes.has(value);
  }

  indexOf(value: string): number {
    const known = this.indexes.get(value);
    if (known !== undefined) return known;
    this.indexes.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}
