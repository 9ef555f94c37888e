export * from './received-pdu-check.js';
export * from './server-keys.js';
