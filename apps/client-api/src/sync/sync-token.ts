import { randomInt } from 'node:crypto';
import { decodeToken, encodeToken, type StreamPositions } from '@atoll/database';

/** Where a client of `/v3/sync` is. */
export interface SyncToken {
  readonly positions: StreamPositions;
  /** Names the first sync that the token goes back to, over all instances; only lazy loading asks for that. */
  readonly chain?: string | undefined;
}

const RADIX = 36;
const LENGTH = 8;

/** A sync token, with the chain behind a tilde: so it pages through history like any other. Opaque to clients. */
export function encodeSyncToken({ positions, chain }: SyncToken): string {
  return chain === undefined ? encodeToken(positions) : `${encodeToken(positions)}~${chain}`;
}

/** @returns undefined for anything that no token of this server looks like. The `pos` of a sliding sync is of no chain. */
export function decodeSyncToken(text: string): SyncToken | undefined {
  const positions = decodeToken(text);
  return positions && { positions, chain: /~([0-9a-z]{8})$/.exec(text)?.[1] };
}

export function newChain(): string {
  return randomInt(RADIX ** LENGTH)
    .toString(RADIX)
    .padStart(LENGTH, '0');
}
