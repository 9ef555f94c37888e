export { redactEvent } from './redact-event.js';
export {
  contentHash,
  eventIdOf,
  hasValidContentHash,
  referenceHash,
  referenceTo,
  roomIdOf,
} from './event-hashes.js';
export * from './build-event.js';
export * from './required-signers.js';
export * from './verify-event-signatures.js';
export * from './parse-event.js';
export { checkEventSize, MAX_EVENT_BYTES } from './event-size.js';
