import { isJsonObject, type JsonObject, type JsonValue, type Pdu } from '@atoll/matrix';
import { type SearchKey } from '../schema/search.table.js';

export interface SearchableText {
  readonly key: SearchKey;
  readonly text: string;
}

/** The types of events that hold something to search for. */
export const SEARCHABLE_TYPES = ['m.room.message', 'm.room.name', 'm.room.topic'] as const;

/** What of an event is searched, undefined for none. @see https://spec.matrix.org/v1.19/client-server-api/#room_events */
export function searchableText({ type, content, state_key }: Pdu): SearchableText | undefined {
  if (type === 'm.room.message') return textOf('content.body', content['body']);
  if (state_key !== '') return undefined;
  if (type === 'm.room.name') return textOf('content.name', content['name']);
  if (type === 'm.room.topic') return textOf('content.topic', content['topic'], plainTopic(content));
  return undefined;
}

function textOf(key: SearchKey, ...values: (JsonValue | undefined)[]): SearchableText | undefined {
  const texts = new Set(values.filter((value) => typeof value === 'string'));
  return texts.size === 0 ? undefined : { key, text: [...texts].join('\n') };
}

/** The first plain text of a topic that has several forms. */
function plainTopic(content: JsonObject): JsonValue | undefined {
  const topic = content['m.topic'];
  const forms = isJsonObject(topic) ? topic['m.text'] : undefined;
  if (!Array.isArray(forms)) return undefined;
  const plain = forms.find(
    (form) => isJsonObject(form) && (form['mimetype'] ?? 'text/plain') === 'text/plain',
  );
  return isJsonObject(plain) ? plain['body'] : undefined;
}
