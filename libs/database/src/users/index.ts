export { refreshDirectoryEntry } from './directory-entries.js';
export * from './mutual-room-reader.js';
export * from './user-directory-index.js';
export * from './user-directory-reader.js';
