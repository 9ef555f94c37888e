import { decodeToken, encodeToken, type SlidingMemoryKey, type StreamPositions } from '@atoll/database';

/** How far a client is: what it knows of each room, and up to where the streams were told. */
export interface Pos extends SlidingMemoryKey {
  readonly positions: StreamPositions;
}

const RADIX = 36;

/** A `pos`: a sync token, so that it pages through history as well, with the connection's memory behind a tilde. Opaque to clients. */
export function encodePos({ connectionNid, serial, positions }: Pos): string {
  return `${encodeToken(positions)}~${connectionNid.toString(RADIX)}_${serial.toString(RADIX)}`;
}

/** @returns undefined for anything that {@link encodePos} cannot have written. */
export function decodePos(text: string): Pos | undefined {
  const [, connection, serial] = /~([0-9a-z]{1,10})_([0-9a-z]{1,10})$/.exec(text) ?? [];
  const positions = decodeToken(text);
  if (positions === undefined || connection === undefined || serial === undefined) return undefined;
  return {
    connectionNid: Number.parseInt(connection, RADIX),
    serial: Number.parseInt(serial, RADIX),
    positions,
  };
}
