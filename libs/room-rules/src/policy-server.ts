import { isJsonObject, isServerName, type JsonObject, type Pdu, type ServerName } from '@atoll/matrix';
import { verifySignatureOf } from './event/verify-event-signatures.js';
import type { RoomVersionRules } from './room-version-rules.js';

/** The id of every policy server's key, whatever the key. */
export const POLICY_KEY_ID = 'ed25519:policy_server';

/** Where the state says which server is the room's policy server. */
export const POLICY_STATE = ['m.room.policy', ''] as const;

/** The server that a room asks about its events. */
export interface PolicyServer {
  readonly name: ServerName;
  /** Ed25519, unpadded Base64, as the room has it: maybe none at all, which no signature fits. */
  readonly publicKey: string;
}

/**
 * The policy server that the content of a room's `m.room.policy` names; undefined where it does not say enough. It counts only while
 * it has a joined user in the room, which is for the caller to find out.
 * @see https://spec.matrix.org/v1.19/server-server-api/#determining-if-a-policy-server-is-enabled-in-a-room
 */
export function policyServerIn({ via, public_keys: keys }: JsonObject): PolicyServer | undefined {
  // What is no server name has no users either.
  if (typeof via !== 'string' || !isServerName(via) || !isJsonObject(keys)) return undefined;
  const publicKey = Object.hasOwn(keys, 'ed25519') ? keys['ed25519'] : undefined;
  return typeof publicKey === 'string' ? { name: via, publicKey } : undefined;
}

/** All events do but the one that names the policy server: rooms must be able to do without it. */
export function needsPolicySignature({ type, state_key: key }: Pick<Pdu, 'type' | 'state_key'>): boolean {
  return type !== POLICY_STATE[0] || key !== POLICY_STATE[1];
}

/**
 * Whether the policy server has recommended the event: signed its redacted form with the key that the room has of it.
 * @throws CanonicalJsonError for an event that did not pass `parseEvent`
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-policy-server-signatures
 */
export async function isSignedByPolicyServer(
  pdu: Pdu,
  { name, publicKey }: PolicyServer,
  rules: RoomVersionRules,
): Promise<boolean> {
  const problem = await verifySignatureOf(name, pdu, rules, (_server, keyId) =>
    keyId === POLICY_KEY_ID ? { publicKey } : undefined,
  );
  return problem === undefined;
}

/** The event with a policy server's signature beside all that it has, in the place of an earlier one. */
export function withPolicySignature(pdu: Pdu, { name }: PolicyServer, signature: string): Pdu {
  const ofServer = Object.hasOwn(pdu.signatures, name) ? pdu.signatures[name] : {};
  return {
    ...pdu,
    signatures: { ...pdu.signatures, [name]: { ...ofServer, [POLICY_KEY_ID]: signature } },
  };
}
