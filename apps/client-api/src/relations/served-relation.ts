import type { StoredEvent } from '@atoll/database';
import { type EventRelation, relationOf } from '@atoll/matrix';
import { servedPdu } from '../events/client-event.js';

/** The relationship of an event as it is served: redaction breaks it. */
export function servedRelation(event: StoredEvent): EventRelation | undefined {
  return relationOf(servedPdu(event).content);
}
