export * from './room-version-rules.js';
export * from './event/index.js';
