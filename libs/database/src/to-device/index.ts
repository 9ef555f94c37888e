export * from './new-servers-reader.js';
export * from './outgoing-to-device-reader.js';
export * from './to-device-reader.js';
export * from './to-device-request.js';
export * from './to-device-requests-transactor.js';
export * from './to-device-transactor.js';
export { KnownWaiting } from './waiting-for.js';
