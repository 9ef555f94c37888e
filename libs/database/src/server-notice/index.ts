export * from './server-notice-delivery-transactor.js';
export * from './server-notice-reader.js';
export * from './server-notice-transactor.js';
