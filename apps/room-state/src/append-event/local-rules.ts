import { badJson, forbidden, isJsonObject, type JsonObject, type JsonValue, type Pdu } from '@atoll/matrix';
import { LEVEL_DEFAULTS, membershipOf, type RoomVersionRules, type StateLookup } from '@atoll/room-rules';

const LEVEL_NAMES = Object.keys(LEVEL_DEFAULTS);
const LEVEL_MAPS = ['events', 'notifications', 'users'];

/**
 * What old room versions let pass and this server refuses its own users.
 * @throws MatrixError `M_BAD_JSON` for power levels that are no integers, `M_FORBIDDEN` for aliases from outside of the room
 */
export function assertAllowedHere(pdu: Pdu, state: StateLookup, rules: RoomVersionRules): void {
  const isPowerLevels = pdu.type === 'm.room.power_levels' && pdu.state_key === '';
  if (isPowerLevels && !rules.integerPowerLevels && !hasIntegerLevels(pdu.content)) {
    throw badJson('Power levels must be integers');
  }
  const isAliases = pdu.type === 'm.room.aliases' && rules.authRules.aliasesOfOtherServer !== undefined;
  if (isAliases && membershipOf(pdu.sender, state) !== 'join') throw forbidden('You are not in this room');
}

/** @see https://spec.matrix.org/v1.19/rooms/v1/#deprecated-event-content-schemas */
function hasIntegerLevels(content: JsonObject): boolean {
  return (
    LEVEL_NAMES.every((name) => isLevel(content[name])) &&
    LEVEL_MAPS.every((name) => {
      const map = content[name];
      return map === undefined || (isJsonObject(map) && Object.values(map).every(isLevel));
    })
  );
}

function isLevel(value: JsonValue | undefined): boolean {
  return value === undefined || Number.isSafeInteger(value);
}
