export { OwnerDirectory } from './owner-directory.js';
export { PartitionLeases, type PartitionLeasesOptions } from './partition-leases.js';
