import { roomIdSchema } from '@atoll/contract';
import { invalidParam, type RoomId } from '@atoll/matrix';
import { z } from 'zod';
import { SeenRooms } from './seen-rooms.js';

/** What must stay the same from page to page. */
export interface HierarchyParameters {
  readonly roomId: RoomId;
  readonly suggestedOnly: boolean;
  readonly maxDepth: number;
}

/** Where a walk goes on. */
export interface WalkPoint {
  /** The spaces from the root down to the one whose children are next. */
  readonly path: readonly RoomId[];
  readonly seen: SeenRooms;
}

/** As long as the longest path and all rooms of a walk need. */
const MAX_LENGTH = 10_240;
const TOKEN = /^h1_([\w-]+)\.([\w-]+)$/;
const headSchema = z.tuple([z.boolean(), z.number().int(), z.array(roomIdSchema).min(1)]);

/** The token holds all that any instance needs to go on; whoever makes one up gets what a walk of that place gives to him. */
export function encodeHierarchyToken(
  { suggestedOnly, maxDepth }: HierarchyParameters,
  point: WalkPoint,
): string {
  const head = JSON.stringify([suggestedOnly, maxDepth, point.path]);
  return `h1_${Buffer.from(head).toString('base64url')}.${point.seen.toText()}`;
}

/** @throws {MatrixError} 400 `M_INVALID_PARAM` for what is no token, or was one of a request with other parameters */
export function decodeHierarchyToken(token: string, parameters: HierarchyParameters): WalkPoint {
  const [, head = '', marks = ''] = (token.length <= MAX_LENGTH && TOKEN.exec(token)) || [];
  const { data } = headSchema.safeParse(parseJson(Buffer.from(head, 'base64url').toString()));
  const seen = SeenRooms.fromText(marks);
  if (data === undefined || seen === undefined) throw invalidParam('Not a token of this hierarchy');
  const [suggestedOnly, maxDepth, path] = data;
  if (path[0] !== parameters.roomId) throw invalidParam('Not a token of this hierarchy');
  if (suggestedOnly !== parameters.suggestedOnly || maxDepth !== parameters.maxDepth) {
    throw invalidParam('suggested_only and max_depth cannot change from page to page');
  }
  if (path.length > maxDepth) throw invalidParam('Not a token of this hierarchy');
  return { path, seen };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
