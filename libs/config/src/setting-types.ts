import { isIP } from 'node:net';
import { z } from 'zod';

/** A setting may come from YAML with its own type or from the environment as text; each type here accepts both. */

export const text = z.string().min(1);

export const port = integer(0, 65_535);

export function integer(minimum: number, maximum: number) {
  return z
    .union([
      z.number(),
      z
        .string()
        .regex(/^-?\d+$/, 'must be an integer')
        .transform(Number),
    ])
    .pipe(z.int().min(minimum).max(maximum));
}

/** `on`/`off` and `true`/`false`. */
export const toggle = z.union([
  z.boolean(),
  z.enum(['on', 'off', 'true', 'false']).transform((word) => word === 'on' || word === 'true'),
]);

/** A YAML list, or words separated by commas; the empty text is the empty list. */
export const list = z.union([z.array(text), z.string().transform(splitWords)]);

function splitWords(words: string): string[] {
  return words
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** CIDR ranges; an address without a prefix length is a range of one. */
export const cidrList = list.pipe(z.array(z.string().refine(isCidr, 'must be an address or a CIDR range')));

function isCidr(range: string): boolean {
  const [address = '', prefix, ...rest] = range.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}
