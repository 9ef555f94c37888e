import type { StreamName, StreamPositions } from '@atoll/database';
import type { MatchedRoom } from '../list/match-rooms.js';
import type { RoomMemory } from '../memory/connection-memory.js';
import { EXTENSION, type Extensions } from '../memory/connection-memory.js';
import type { ExtensionRequests, ExtensionScope } from '../sliding-request.js';

/** A room of which extensions tell. */
export interface ExtensionRoom {
  readonly match: MatchedRoom;
  /** Undefined when the client gets the room anew. */
  readonly known: RoomMemory | undefined;
}

/** Rooms by how much of them the client has. */
export interface ExtensionRooms {
  /** Nothing, and the answer tells the room anew. */
  readonly initial: readonly MatchedRoom[];
  /** Nothing of what the extension tells. */
  readonly fresh: readonly MatchedRoom[];
  /** Everything up to `from`, or up to a later point. */
  readonly known: readonly MatchedRoom[];
  readonly from: number;
}

type PerRoom = keyof typeof EXTENSION;

/** Whether an extension that is asked for tells of the room. */
export function isInScope(
  scope: ExtensionScope | undefined,
  { lists, isSubscribed, membership }: MatchedRoom,
): boolean {
  if (scope === undefined) return false;
  const isListed = scope.lists.has('*') ? lists.length > 0 : lists.some((name) => scope.lists.has(name));
  return isListed || (isSubscribed && (scope.rooms.has('*') || scope.rooms.has(membership.roomId)));
}

/** The extensions that tell of the room. */
export function extensionsOf(requests: ExtensionRequests, match: MatchedRoom): Extensions {
  const names = Object.keys(EXTENSION) as PerRoom[];
  return names
    .filter((name) => isInScope(requests[name], match))
    .reduce((sum, name) => sum + EXTENSION[name], 0);
}

/** Parts the rooms of an extension by what the client has. */
export function partRooms(
  name: PerRoom,
  stream: StreamName,
  scope: ExtensionScope,
  rooms: readonly ExtensionRoom[],
  since: StreamPositions | undefined,
): ExtensionRooms {
  const initial: MatchedRoom[] = [];
  const fresh: MatchedRoom[] = [];
  const known: MatchedRoom[] = [];
  let from = since?.[stream] ?? 0;
  for (const room of rooms) {
    if (!isInScope(scope, room.match)) continue;
    if (room.known === undefined) initial.push(room.match);
    else if ((room.known.extensions & EXTENSION[name]) === 0) fresh.push(room.match);
    else {
      known.push(room.match);
      // What was told already of other rooms may be told again.
      from = Math.min(from, (room.known.told ?? since)?.[stream] ?? 0);
    }
  }
  return { initial, fresh, known, from };
}
