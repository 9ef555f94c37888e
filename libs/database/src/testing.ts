/** For specs of this and other projects: rows as room-state writes them, without a room-state. */
export * from './room/room-rows.js';
