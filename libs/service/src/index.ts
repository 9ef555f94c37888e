export { loadSigningKey } from './load-signing-key.js';
export { type Connections, openConnections } from './open-connections.js';
export { openLeaseDatabase } from './open-lease-database.js';
export { startPartitionOwner } from './start-partition-owner.js';
