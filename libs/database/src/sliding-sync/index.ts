export * from './required-state-reader.js';
export * from './room-list-reader.js';
export * from './sliding-connection-reader.js';
export * from './sliding-connection-transactor.js';
