import type { CommandInput, CreateRoom } from '@atoll/contract';
import type { JsonObject } from '@atoll/matrix';
import type { RoomVersionRules } from '@atoll/room-rules';

const CREATOR_LEVEL = 100;
/** Above the level of an administrator: where creators are privileged, only they may end the room. */
const TOMBSTONE_OF_CREATORS = 150;

/**
 * The first `m.room.power_levels`, before the client's override. Where creators are privileged they are not listed.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export function defaultPowerLevels(
  input: CommandInput<typeof CreateRoom>,
  rules: RoomVersionRules,
): JsonObject {
  const trusted = input.preset === 'trusted_private_chat' ? input.invite.map(({ userId }) => userId) : [];
  const admins = rules.privilegedCreators ? [] : [input.creator, ...trusted];
  return {
    users: Object.fromEntries(admins.map((user) => [user, CREATOR_LEVEL])),
    users_default: 0,
    events: {
      'm.room.name': 50,
      'm.room.avatar': 50,
      'm.room.canonical_alias': 50,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.encryption': 100,
      'm.room.server_acl': 100,
      'm.room.tombstone': rules.privilegedCreators ? TOMBSTONE_OF_CREATORS : 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: input.preset === 'public_chat' ? 50 : 0,
  };
}
