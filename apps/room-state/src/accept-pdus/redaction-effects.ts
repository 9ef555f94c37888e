import { isEventId, type RoomEvent, serverNameOf } from '@atoll/matrix';
import { canRedact, powerLevelsIn, type RoomVersionRules, type StateMap } from '@atoll/room-rules';
import type { EventCache } from '../room-actor/event-cache.js';
import type { PendingEvent } from '../room-actor/pending-event.js';
import { lookupIn } from './authorize-pdu.js';

const POWERS = [
  ['m.room.create', ''],
  ['m.room.power_levels', ''],
] as const;

export type RedactionEffect = Pick<PendingEvent, 'redactsNid' | 'redactsLater'>;

/** What accepted redactions do, by the state before them. */
export class RedactionEffects {
  constructor(private readonly events: EventCache) {}

  /** Nothing for other events, and for redactions that are not applied. An event that is not here may come later, with its history. */
  async of(event: RoomEvent, before: StateMap, rules: RoomVersionRules): Promise<RedactionEffect> {
    if (event.pdu.type !== 'm.room.redaction') return {};
    const redacts = rules.redactsInContent ? event.pdu.content['redacts'] : event.pdu.redacts;
    if (!isEventId(redacts)) return {};
    const lookup = await lookupIn(before, POWERS, this.events);
    const target = (await this.events.load([redacts])).get(redacts);
    if (target) return canRedact(event, target, lookup, rules) ? { redactsNid: target.eventNid } : {};
    const levels = powerLevelsIn(lookup, rules);
    const mayRedactAll =
      rules.authRules.redactionNotAllowed || levels.userLevel(event.pdu.sender) >= levels.level('redact');
    const onlyOfServer = mayRedactAll ? null : serverNameOf(event.pdu.sender);
    return { redactsLater: { eventId: redacts, onlyOfServer } };
  }
}
