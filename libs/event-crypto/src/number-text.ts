import { CanonicalJsonError } from './canonical-json-error.js';
import { isRawNumber, type RawNumber } from './exact-json.js';

const INTEGER = /^-?[0-9]+$/;
/** From this power of ten on, and below 10^-4, the specification's code writes an exponent. */
const EXPONENT_FROM = 16;
const EXPONENT_BELOW = -4;

/**
 * A number of any size and kind as the code in the specification's appendix writes it, which is Python's `json.dumps`:
 * integers with all their digits, floats as the shortest text that reads back as the same, always with a point or an exponent.
 * @throws CanonicalJsonError for what no double holds
 * @see https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function numberText(number: number | RawNumber): string {
  const source = isRawNumber(number) ? number.rawJSON : String(number);
  // JSON has no leading zeros: an integer of any length stands there as it must.
  if (INTEGER.test(source)) return source === '-0' ? '0' : source;
  const value = Number(source);
  if (!Number.isFinite(value)) throw new CanonicalJsonError('a number is out of range');
  return floatText(value);
}

function floatText(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  if (value === 0) return '0.0';
  const [digits, exponentText] = value.toExponential().split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent >= EXPONENT_BELOW && exponent < EXPONENT_FROM) {
    return Number.isInteger(value) ? `${value}.0` : String(value);
  }
  const sign = exponent < 0 ? '-' : '+';
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
