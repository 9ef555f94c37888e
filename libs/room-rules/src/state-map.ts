import type { EventId } from '@atoll/matrix';

declare const brand: unique symbol;

/** An event type and a state key in one string, so that a plain `Map` can be keyed by both. */
export type StateKey = string & { readonly [brand]: 'StateKey' };

/** A room state: which event holds each (type, state key). */
export type StateMap = ReadonlyMap<StateKey, EventId>;

/** Joins type and state key; the length in front keeps different pairs different, whatever characters they hold. */
export function stateKey(type: string, key: string): StateKey {
  return `${type.length}:${type}${key}` as StateKey;
}

/** The pair that `stateKey` has joined. */
export function splitStateKey(joined: StateKey): readonly [type: string, stateKey: string] {
  const start = joined.indexOf(':') + 1;
  const end = start + Number(joined.slice(0, start - 1));
  return [joined.slice(start, end), joined.slice(end)];
}
