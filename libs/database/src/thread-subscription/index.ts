export * from './thread-subscription-reader.js';
export * from './thread-subscription-transactor.js';
