export * from './room-version-rules.js';
export * from './event/index.js';
export * from './policy-server.js';
export * from './server-acl.js';
export * from './state-map.js';
export * from './auth/index.js';
export * from './resolve/index.js';
