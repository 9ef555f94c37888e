import { serverNameOf, type EventId, type RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { type PowerLevels, powerLevelsIn } from './power-levels.js';
import type { StateLookup } from './state-lookup.js';

/**
 * Whether an accepted redaction is applied to the event that it names, by the state before the redaction. In versions where
 * the authorisation rules have judged it already, being accepted is enough.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#handling-redactions
 */
export function canRedact(
  redaction: RoomEvent,
  target: RoomEvent,
  state: StateLookup,
  rules: RoomVersionRules,
): boolean {
  if (redaction.roomId !== target.roomId) return false;
  if (rules.authRules.redactionNotAllowed) return true;
  if (serverNameOf(redaction.pdu.sender) === serverNameOf(target.pdu.sender)) return true;
  const powerLevels = powerLevelsIn(state, rules);
  return powerLevels.userLevel(redaction.pdu.sender) >= powerLevels.level('redact');
}

/**
 * The rule about `m.room.redaction` in versions 1 and 2: events of the same server, by their ids, or a sufficient level.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#authorisation-rules (11)
 */
export function mayRedact({ eventId, pdu }: RoomEvent, powerLevels: PowerLevels): boolean {
  if (powerLevels.userLevel(pdu.sender) >= powerLevels.level('redact')) return true;
  const domain = domainOf(pdu.redacts);
  return domain !== undefined && domain === domainOf(eventId);
}

/** The server in an event id of versions 1 and 2; `redacts` may be any text. */
function domainOf(eventId: EventId | undefined): string | undefined {
  const colon = eventId?.indexOf(':') ?? -1;
  return colon < 0 ? undefined : eventId?.slice(colon + 1);
}
