import type { Generated } from 'kysely';

/** One row: what may never change once there is data. */
export interface InstallationTable {
  one: Generated<boolean>;
  server_name: string;
  partitions: number;
  created_at: Generated<Date>;
}
