export { loadSigningKey } from './load-signing-key.js';
export { type Connections, openConnections } from './open-connections.js';
export { openFederationClient } from './open-federation-client.js';
export { openLeaseDatabase } from './open-lease-database.js';
export { openRoomClient, RoomClient, type RoomConnection } from './open-room-client.js';
export { startPartitionOwner } from './start-partition-owner.js';
