export { startCluster, type Cluster, type ClusterOptions } from './cluster/start-cluster.js';
export type { ServiceProcess } from './cluster/service-process.js';
export { readRoutes, serviceFor, type Listener, type Route } from './cluster/routes.js';
export { startAllInOne, type AllInOne, type AllInOneOptions } from './all-in-one.js';
export type { Answer, AnswerBody, ClientEvent, SyncAnswer, SyncRoom, Timeline } from './client/answer.js';
export { checkResponse } from './contract/check-contract.js';
export { path, query } from './client/encode-path.js';
export { HttpClient, type RequestOptions } from './client/http-client.js';
export { missingSpecification } from './contract/missing-specification.js';
export { RequestFailed } from './client/request-failed.js';
export { login, register, registerGuest, testPassword, uniqueName } from './client/register.js';
export { SyncFollower } from './client/sync-follower.js';
export { newTransactionId, TestUser, type Session } from './client/test-user.js';
export { RoomLog, kinks, type LoggedEvent } from './room-log/room-log.js';
export { SteadyWriter, type Acknowledged, type Gap } from './writer/steady-writer.js';
export { SteadySyncer } from './writer/steady-syncer.js';
export {
  startFederation,
  type FederatedKind,
  type FederatedServer,
  type Federation,
  type FederationOptions,
} from './federation/start-federation.js';
export type { Network } from './federation/network.js';
export { appArguments } from './repository.js';
export * from './remote-server/index.js';
