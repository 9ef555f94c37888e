import { serverNameOf, type RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { powerLevelsIn } from './power-levels.js';
import type { StateLookup } from './state-lookup.js';

/**
 * Whether an accepted redaction is applied to the event that it names, by the state before the redaction.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#handling-redactions
 */
export function canRedact(
  redaction: RoomEvent,
  target: RoomEvent,
  state: StateLookup,
  rules: RoomVersionRules,
): boolean {
  if (redaction.roomId !== target.roomId) return false;
  if (serverNameOf(redaction.pdu.sender) === serverNameOf(target.pdu.sender)) return true;
  const powerLevels = powerLevelsIn(state, rules);
  return powerLevels.userLevel(redaction.pdu.sender) >= powerLevels.level('redact');
}
