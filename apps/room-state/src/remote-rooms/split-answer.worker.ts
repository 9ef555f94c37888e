import { isUtf8 } from 'node:buffer';
import { MAX_JSON_DEPTH, parseExactJson } from '@atoll/event-crypto';
import { isJsonObject, type JsonValue } from '@atoll/matrix';
import type { SplitAnswer } from './join-answers.js';

/** A state has as many events as these at most, and so has its auth chain: more than fit into the bytes of an answer. */
const MAX_EVENTS = 250_000;
/** In events, some 30 bytes and more belong to each value. Of `{}` alone, an answer could make gigabytes of objects. */
const MAX_VALUES = 4_000_000;
/** The object and the list around an event. */
const DEPTH_AROUND_EVENTS = 2;

const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

/** Runs in a worker thread: of an answer to `send_join`, the events as texts of their own; `undefined` for anything else. */
export default function splitAnswer(bytes: Uint8Array): SplitAnswer | undefined {
  if (!isUtf8(bytes) || marksIn(bytes) > MAX_VALUES) return undefined;
  const answer = parseExactJson(new TextDecoder().decode(bytes), MAX_JSON_DEPTH + DEPTH_AROUND_EVENTS);
  if (!isJsonObject(answer)) return undefined;
  const { event } = answer;
  const [state, authChain] = [textsIn(answer['state']), textsIn(answer['auth_chain'])];
  if (!state || !authChain) return undefined;
  return { state, authChain, ...(isJsonObject(event) && { event: JSON.stringify(event) }) };
}

/** Every value but the first has one of these before it; those in strings are counted as well. */
function marksIn(bytes: Uint8Array): number {
  let marks = 0;
  for (const byte of bytes) if (byte === COMMA || byte === OPEN_BRACKET || byte === OPEN_BRACE) marks += 1;
  return marks;
}

function textsIn(list: JsonValue | undefined): string[] | undefined {
  if (!Array.isArray(list) || list.length > MAX_EVENTS) return undefined;
  return list.filter(isJsonObject).map((event) => JSON.stringify(event));
}
