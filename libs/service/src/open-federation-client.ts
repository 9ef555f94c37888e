import type { Config } from '@atoll/config';
import type { SigningKey } from '@atoll/event-crypto';
import { createFederationClient, type FederationSettings } from '@atoll/federation-client';
import { readFile } from 'node:fs/promises';

/** The one way to other servers, as this installation is configured. The caller closes it. */
export async function openFederationClient(
  config: Config,
  key: SigningKey,
  options: Pick<FederationSettings, 'maxOrigins'> = {},
) {
  return createFederationClient({
    serverName: config.serverName,
    key,
    ipDenylist: config.ipDenylist,
    ...options,
    extraCa: await Promise.all(config.extraCa.map((file) => readFile(file, 'utf8'))),
  });
}
