export * from './room-summary.js';
export * from './space-children.js';
export * from './space-reader.js';
