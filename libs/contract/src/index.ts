export * from './services.js';
export * from './announcements.js';
export * from './room/schemas.js';
export * from './room/send-event.command.js';
export * from './room/change-membership.command.js';
export * from './room/create-room.command.js';
export * from './room/accept-pdus.command.js';
