import { textSchema } from '../../auth/text.schema.js';

/** Longer than any event's; what is too long for an event is refused where the event is made. */
const MAX_LENGTH = 2048;

/** The type of an event, which need not exist. */
export const eventTypeSchema = textSchema(MAX_LENGTH);
/** Absent, it is empty. */
export const stateKeySchema = textSchema(MAX_LENGTH).default('');
/** A transaction id, as the client makes it up. */
export const transactionIdSchema = textSchema(MAX_LENGTH);
