/**
 * The types, with the empty state key, of what somebody who is invited or knocks is told of a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export const STRIPPED_STATE_TYPES: readonly string[] = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
];
