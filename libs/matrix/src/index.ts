export * from './dummy-event.js';
export * from './ids.js';
export * from './parse-ids.js';
export * from './json.js';
export * from './json-depth.js';
export * from './pdu.js';
export * from './matrix-error.js';
export * from './stripped-state.js';
