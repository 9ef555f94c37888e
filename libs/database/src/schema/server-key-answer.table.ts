import type { ServerName } from '@atoll/matrix';

/** What a server last said about its keys: a JSON object with that server's signatures. */
export interface ServerKeyAnswersTable {
  server_name: ServerName;
  json: string;
  fetched_ts: number;
}
