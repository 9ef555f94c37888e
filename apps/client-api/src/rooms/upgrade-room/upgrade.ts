import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import type { CommandOutput, PrepareEvent } from '@atoll/contract';
import type { RoomVersionRules } from '@atoll/room-rules';
import type { OldRoom } from './old-rooms.js';

/** What a user wants. */
export interface Upgrade {
  readonly user: UserId;
  readonly old: OldRoom;
  readonly rules: RoomVersionRules;
  /** The content of the replacement's create event, but for an event that it may name. */
  readonly creation: JsonObject;
}

/** A tombstone that was built, and authorised, before there is a room that it leads to. */
export type PreparedTombstone = CommandOutput<typeof PrepareEvent>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#mroomtombstone */
export function tombstoneContent(replacement: RoomId): JsonObject {
  return { body: 'This room has been replaced', replacement_room: replacement };
}
