export {
  type KnownPresence,
  type NotOfflineQuery,
  PresenceReader,
  type UserPresence,
} from './presence-reader.js';
export * from './presence-transactor.js';
export * from './receipt-reader.js';
export * from './receipt-transactor.js';
export * from './typing-reader.js';
export * from './typing-transactor.js';
export type { Presence, ReceiptType } from '../schema/ephemeral.table.js';
