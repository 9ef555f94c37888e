import type { EventId } from './ids.js';
import { isJsonObject, type JsonObject } from './json.js';
import { isEventId } from './parse-ids.js';

/** What an event's content says of its parent. */
export interface EventRelation {
  readonly relType: string;
  readonly parentId: EventId;
}

/** As for event types. */
const MAX_BYTES = 255;

/**
 * The relationship that a content declares, in clear also in encrypted events; undefined for none, rich replies without `rel_type`
 * among them, and for what does not match the schema, which is to be ignored.
 * @see https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events
 */
export function relationOf(content: JsonObject): EventRelation | undefined {
  const relation = content['m.relates_to'];
  if (!isJsonObject(relation)) return undefined;
  const { rel_type: relType, event_id: parentId } = relation;
  if (typeof relType !== 'string' || relType === '' || !isStorable(relType)) return undefined;
  return isEventId(parentId) ? { relType, parentId } : undefined;
}

/** Half a character is no UTF-8, and PostgreSQL holds no NUL in text. */
function isStorable(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_BYTES && text.isWellFormed() && !text.includes('\0');
}
