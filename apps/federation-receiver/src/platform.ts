import type { Config } from '@atoll/config';
import type { SigningKey } from '@atoll/event-crypto';
import { type Connections, loadSigningKey, openConnections } from '@atoll/service';

/** What this service stands on. */
export interface Platform extends Connections {
  /** Signs what this server says about keys, its own and others'. */
  readonly signingKey: SigningKey;
  close(): Promise<void>;
}

export async function openPlatform(config: Config): Promise<Platform> {
  const connections = await openConnections(config, 'federation-receiver');
  const signingKey = await loadSigningKey(config);
  return { ...connections, signingKey, close: () => connections.database.close() };
}
