export { startCluster, type Cluster, type ClusterOptions } from './cluster/start-cluster.js';
export type { ServiceProcess } from './cluster/service-process.js';
export { readRoutes, serviceFor, type Listener, type Route } from './cluster/routes.js';
export { startAllInOne, type AllInOne, type AllInOneOptions } from './all-in-one.js';
