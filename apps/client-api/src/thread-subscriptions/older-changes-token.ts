/** Where a client goes on to page backwards through the changes of its user's subscriptions. */
export interface OlderChanges {
  readonly upTo: number;
  /** The client was told of no changes before this paging began: it pages to the first one, whatever it names as the end. */
  readonly isComplete: boolean;
}

const TOKEN = /^([tc])1_([0-9a-z]{1,11})$/;
const RADIX = 36;

/** `t1_<position>`, or `c1_<position>` for complete ones, in base 36. Opaque to clients. */
export function encodeOlderChanges({ upTo, isComplete }: OlderChanges): string {
  return `${isComplete ? 'c' : 't'}1_${upTo.toString(RADIX)}`;
}

/** @returns undefined for anything that {@link encodeOlderChanges} cannot have written. */
export function decodeOlderChanges(token: string): OlderChanges | undefined {
  const [, kind, text = ''] = TOKEN.exec(token) ?? [];
  const upTo = Number.parseInt(text, RADIX);
  return Number.isSafeInteger(upTo) ? { upTo, isComplete: kind === 'c' } : undefined;
}
