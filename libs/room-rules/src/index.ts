export * from './room-version-rules.js';
