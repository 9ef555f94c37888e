import { z } from 'zod';
import { roomEventFilterSchema } from '../../events/room-event-filter.js';

/** A number of events, cut to what one answer may hold. */
export const limitSchema = (fallback: number, max: number) =>
  z.coerce
    .number()
    .int()
    .nonnegative()
    .default(fallback)
    .transform((limit) => Math.min(limit, max));

/** A `RoomEventFilter` as JSON in a query parameter. */
export const filterParameterSchema = z
  .string()
  .transform((text, context) => {
    const filter = roomEventFilterSchema.safeParse(parseJson(text));
    if (filter.success) return filter.data;
    context.addIssue({ code: 'custom', message: filter.error.issues[0]?.message ?? 'not a filter' });
    return z.NEVER;
  })
  .default({});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
