import type { StoredEvent } from '@atoll/database';
import type { Transaction } from '../rooms/commands/transaction.js';

/**
 * Stands for the device in the transactions by which delayed events are sent. What sends an event once, however often it is tried, is
 * also what tells its delay id. A user who gives a device this name gets delay ids for transaction ids, and nobody else notices.
 */
const DELAYED = 'delayed event';

/** The transaction by which a delayed event is sent: it is the same for every try. */
export function delayedTransaction(delayId: string): Transaction {
  return { deviceId: DELAYED, scope: 'delayed_events', id: delayId };
}

/** The id under which an event waited, if it was a delayed one. */
export function delayIdOf(transaction: StoredEvent['transaction']): string | undefined {
  return transaction?.deviceId === DELAYED ? transaction.id : undefined;
}
