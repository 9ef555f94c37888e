import type { Config } from '@atoll/config';
import type { SigningKey } from '@atoll/event-crypto';
import { createFederationClient, type FederationClient } from '@atoll/federation-client';
import { type Connections, loadSigningKey, openConnections } from '@atoll/service';
import { readFile } from 'node:fs/promises';

/** What this service stands on. */
export interface Platform extends Connections {
  /** Signs what this server says about keys, its own and others'. */
  readonly signingKey: SigningKey;
  /** Requests to other servers. */
  readonly federation: FederationClient;
  close(): Promise<void>;
}

export async function openPlatform(config: Config): Promise<Platform> {
  const connections = await openConnections(config, 'federation-receiver');
  const signingKey = await loadSigningKey(config);
  const { federation, close } = createFederationClient({
    serverName: config.serverName,
    key: signingKey,
    ipDenylist: config.ipDenylist,
    extraCa: await Promise.all(config.extraCa.map((file) => readFile(file, 'utf8'))),
  });
  return {
    ...connections,
    signingKey,
    federation,
    close: async () => {
      await close();
      await connections.database.close();
    },
  };
}
