export { startPostgres, createDatabase, type PostgresOptions, type PostgresServer } from './postgres.js';
export { startRedis, type RedisOptions, type RedisServer } from './redis.js';
export { ensureRedisServer } from './find-redis.js';
export { readRecord as readServerRecord, type ServerRecord } from './server-record.js';
export { freePort } from './free-port.js';
export {
  startTestPostgres,
  testPostgres,
  testDatabase,
  testRedis,
  type TestDatabase,
} from './test-servers.js';
export { spawnServer, type ServerCommand, type ServerProcess } from './server-process.js';
