import type { StreamPositions } from '@atoll/database';
import type { CombinedStates } from '../combined-config.js';

/** What the client of a connection knows of a room. */
export interface RoomMemory {
  /** How far the room was told; undefined while everything in it is told at once. */
  readonly told: StreamPositions | undefined;
  /** The client has at least so many of the newest events. */
  readonly timelineLimit: number;
  /** The required state that it has. */
  readonly states: CombinedStates;
  readonly isDm: boolean;
  readonly extensions: Extensions;
}

/** The extensions by which something was told, as a sum of `EXTENSION`. */
export type Extensions = number;

/** Of those that tell of rooms. */
export const EXTENSION = { accountData: 1, receipts: 2, typing: 4 } as const;
/** Of those that tell what is of no room, or of rooms that no list shows. */
export const GLOBAL_EXTENSION = { accountData: EXTENSION.accountData, threadSubscriptions: 8 } as const;

/** What the client of a connection knows. Never changed: the next one is another. */
export interface ConnectionMemory {
  /** By room nid. */
  readonly rooms: ReadonlyMap<number, RoomMemory>;
  /** Those by which global data was told. */
  readonly extensions: Extensions;
}

export const NOTHING: ConnectionMemory = { rooms: new Map(), extensions: 0 };
