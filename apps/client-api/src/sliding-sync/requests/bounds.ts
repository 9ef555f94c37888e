import { z } from 'zod';
import type { RequiredState } from '../required-state.js';
import type { RoomConfig } from '../sliding-request.js';

export const MAX_LISTS = 100;
export const MAX_SUBSCRIPTIONS = 100;
/** As in `/v3/sync`. */
export const LONGEST_WAIT_MS = 120_000;
const LARGEST_TIMELINE = 100;
const MAX_FILTER_ENTRIES = 100;
const PRESENCES = ['offline', 'online', 'unavailable'] as const;
/** Of required state, in all of a request: each is looked up in every room. */
const MAX_STATE_ELEMENTS = 500;

const invalid = (message: string) => ({ message, params: { errcode: 'M_INVALID_PARAM' } });

/** A map with a bounded number of keys. */
export function mapOf<T extends z.ZodType>(values: T, max: number, what: string, key = /^[^]{1,255}$/) {
  return z
    .record(z.string(), values)
    .refine((map) => Object.keys(map).length <= max, invalid(`more than ${max} ${what}`))
    .refine((map) => Object.keys(map).every((name) => key.test(name)), invalid(`bad keys of ${what}`));
}

export const timelineLimitSchema = z
  .number()
  .int()
  .nonnegative()
  .transform((limit) => Math.min(limit, LARGEST_TIMELINE));
export const timeoutSchema = z
  .number()
  .int()
  .nonnegative()
  .transform((timeout) => Math.min(timeout, LONGEST_WAIT_MS));
export const rangeSchema = z
  .tuple([z.number().int().nonnegative(), z.number().int().nonnegative()])
  .refine(([first, last]) => first <= last, invalid('a range that ends before it begins'));
export const presenceSchema = z.string().transform((value, context) => {
  const presence = PRESENCES.find((known) => known === value);
  if (presence !== undefined) return presence;
  context.addIssue({ code: 'custom', ...invalid('no presence') });
  return z.NEVER;
});
export const filterEntries = <T extends z.ZodType>(entry: T) => z.array(entry).max(MAX_FILTER_ENTRIES);

/** Refuses a request that asks for too many elements of state. After all else: what is wrong in a part is no part. */
export function checkStateSize<T>(configsOf: (request: T) => readonly Pick<RoomConfig, 'requiredState'>[]) {
  return (request: T, context: z.RefinementCtx): T => {
    const sizes = configsOf(request).map(({ requiredState }) => sizeOf(requiredState));
    if (sizes.reduce((sum, size) => sum + size, 0) <= MAX_STATE_ELEMENTS) return request;
    const refused = invalid(`more than ${MAX_STATE_ELEMENTS} elements of required state`);
    context.addIssue({ code: 'custom', ...refused });
    return z.NEVER;
  };
}

function sizeOf({ include, exclude }: RequiredState): number {
  return include.length + exclude.length;
}
