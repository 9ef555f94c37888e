import { isUtf8 } from 'node:buffer';
import { parseExactJson } from '@atoll/event-crypto';
import type { JsonValue } from '@atoll/matrix';

/**
 * The JSON of an answer, at most 512 deep, whatever its content type. Numbers that events may have been signed with keep
 * their source, as `parseExactJson` of `@atoll/event-crypto` says.
 * @returns undefined for anything else
 */
export function parseJsonAnswer(body: Buffer): JsonValue | undefined {
  return isUtf8(body) ? parseExactJson(body.toString()) : undefined;
}
