export type { WantedKey } from './missing-keys.js';
export * from './received-pdu-check.js';
export * from './server-keys.js';
