import type { StoredEvent } from '@atoll/database';
import { isJsonObject } from '@atoll/matrix';
import { servedRelation } from './served-relation.js';

/**
 * Whether an event replaces another. Of an encrypted one only who can read it knows whether it has an `m.new_content`.
 * @see https://spec.matrix.org/v1.19/client-server-api/#validity-of-replacement-events
 */
export function isValidEdit(original: StoredEvent, edit: StoredEvent): boolean {
  const relation = servedRelation(edit);
  return (
    relation?.relType === 'm.replace' &&
    relation.parentId === original.eventId &&
    edit.roomNid === original.roomNid &&
    edit.pdu.sender === original.pdu.sender &&
    edit.pdu.type === original.pdu.type &&
    edit.pdu.state_key === undefined &&
    mayBeEdited(original) &&
    (edit.pdu.type === 'm.room.encrypted' || isJsonObject(edit.pdu.content['m.new_content']))
  );
}

/** Not what is redacted, a state event, or an edit itself. */
export function mayBeEdited(original: StoredEvent): boolean {
  return (
    original.redactedBecause === undefined &&
    original.pdu.state_key === undefined &&
    servedRelation(original)?.relType !== 'm.replace'
  );
}
