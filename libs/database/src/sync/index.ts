export * from './hero-reader.js';
export * from './past-member-reader.js';
export * from './stream-changes-reader.js';
export * from './sync-membership-reader.js';
export * from './sync-state-reader.js';
export * from './sync-timeline-reader.js';
