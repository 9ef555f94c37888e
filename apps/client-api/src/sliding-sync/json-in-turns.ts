import { setImmediate } from 'node:timers/promises';
import type { JsonObject, JsonValue } from '@atoll/matrix';
import { Turns } from '@atoll/service';

/** Characters of JSON between two turns of the event loop: some milliseconds. An element of a list is an event, of at most 64 KiB. */
const CHARACTERS_A_TURN = 512 * 1024;

/** JSON of an object, as `JSON.stringify` makes it. Others have their turns in between where a field is a long list. */
export async function jsonInTurns(object: JsonObject): Promise<string> {
  const turns = new Turns(CHARACTERS_A_TURN);
  const fields: string[] = [];
  for (const [name, value] of Object.entries<JsonValue | undefined>(object)) {
    if (value === undefined) continue;
    if (!Array.isArray(value)) {
      fields.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
      continue;
    }
    const elements: string[] = [];
    for (const element of value) {
      const text = JSON.stringify(element);
      elements.push(text);
      if (turns.isLong(text.length)) await setImmediate();
    }
    fields.push(`${JSON.stringify(name)}:[${elements.join(',')}]`);
  }
  return `{${fields.join(',')}}`;
}
