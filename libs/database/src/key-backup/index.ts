export * from './backed-up-key.js';
export * from './key-backup-reader.js';
export * from './key-backup-transactor.js';
