export type { ClaimableShare } from './claimable-share.js';
export * from './delayed-event.js';
export * from './delayed-event-reader.js';
export * from './delayed-event-sending-transactor.js';
export * from './delayed-event-transactor.js';
