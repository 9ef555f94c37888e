import { z } from 'zod';

/**
 * A PDU as JSON text, as large as any may be: twice what an event may have, for white space, escapes and `unsigned`, which do not count
 * towards its limit. As text, because numbers that were parsed once on the way would no longer be those that hashes cover.
 * @see https://spec.matrix.org/v1.19/client-server-api/#size-limits
 */
export const pduTextSchema = z.string().max(131_072);
