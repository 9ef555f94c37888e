import { verifySignedJson } from '@atoll/event-crypto';
import { isJsonObject, type JsonObject } from '@atoll/matrix';
import { exchange } from './exchange.js';

/** The keys that other servers publish, as they themselves say and sign. */
export class PeerKeys {
  private readonly known = new Map<string, string>();

  /** The public key in Base64; undefined when its server does not publish it. */
  async find(serverName: string, keyId: string): Promise<string | undefined> {
    const name = `${serverName} ${keyId}`;
    const known = this.known.get(name) ?? (await askForKey(serverName, keyId));
    if (known !== undefined) this.known.set(name, known);
    return known;
  }
}

async function askForKey(serverName: string, keyId: string): Promise<string | undefined> {
  try {
    const { text } = await exchange(`https://${serverName}/_matrix/key/v2/server`, { method: 'GET' });
    const answer = JSON.parse(text) as JsonObject;
    const keys = answer['verify_keys'];
    const entry = isJsonObject(keys) ? keys[keyId] : undefined;
    const key = isJsonObject(entry) ? entry['key'] : undefined;
    if (typeof key !== 'string') return undefined;
    return (await verifySignedJson(answer, serverName, keyId, key)) ? key : undefined;
  } catch {
    return undefined;
  }
}
