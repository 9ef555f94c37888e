import { textSchema } from '../auth/text.schema.js';

/** Of any length that no id has: what is no id is not found. */
export const delayIdSchema = textSchema(255);
