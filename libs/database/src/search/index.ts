export * from './event-index.js';
export * from './event-search-reader.js';
export { type FollowingIndex, IndexProgressReader, type IndexStep } from './index-cursor.js';
export { wordsOf } from './words.js';
