import type { JsonValue } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';

const INTEGER_TEXT = /^\s*[+-]?[0-9]+\s*$/;

/**
 * The power level that a value stands for: an integer; in room versions 1 to 9 also the text of one, and, where a float can
 * be in an event, that float without its fraction. `undefined` for anything else.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#deprecated-event-content-schemas
 */
export function levelIn(value: JsonValue | undefined, rules: RoomVersionRules): number | undefined {
  if (rules.integerPowerLevels) return Number.isSafeInteger(value) ? (value as number) : undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : undefined;
  if (typeof value !== 'string' || !INTEGER_TEXT.test(value)) return undefined;
  const level = Number(value);
  return Number.isFinite(level) ? level : undefined;
}
