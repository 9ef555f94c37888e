/** The id before every entry of a stream. */
export const STREAM_START = '0-0';

/** One entry as ioredis returns it. */
export type StreamEntry = [id: string, fields: string[]];

/** The time of an entry in ms, by the clock of the Redis server that took it. */
export function entryTime(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}

/** Negative, zero or positive as `a` lies before, at or behind `b`. */
export function compareIds(a: string, b: string): number {
  return (
    entryTime(a) - entryTime(b) || Number(a.slice(a.indexOf('-') + 1)) - Number(b.slice(b.indexOf('-') + 1))
  );
}

/** The smallest id behind `id`. */
export function idAfter(id: string): string {
  const dash = id.indexOf('-');
  return `${id.slice(0, dash)}-${String(BigInt(id.slice(dash + 1)) + 1n)}`;
}
