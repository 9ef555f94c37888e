export * from './countable-events.js';
export * from './counted-stream-reader.js';
export * from './push-settings-reader.js';
export * from './room-audience-reader.js';
export * from './unread-counter.js';
export * from './unread-standing-reader.js';
export * from './unread-transactor.js';
