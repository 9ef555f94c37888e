import type { Pdu, RoomEvent, ServerName } from '@atoll/matrix';
import {
  eventIdOf,
  hasValidContentHash,
  parseEventText,
  POLICY_KEY_ID,
  redactEvent,
  requiredSigners,
  roomIdOf,
  type RoomVersionRules,
  signingKeyIds,
  verifyEventSignatures,
  verifySignatureOf,
  withPlainNumbers,
} from '@atoll/room-rules';
import { mapInSlices } from './map-in-slices.js';
import type { WantedKey } from './missing-keys.js';
import type { ServerKeys } from './server-keys.js';

/** An event that its signers did sign. */
export interface ReceivedEvent {
  /** With the nearest numbers that JavaScript has, for rules and memory. */
  readonly event: RoomEvent;
  /** As its hashes cover it: what is stored and sent on. */
  readonly exact: Pdu;
}

/** The outcome of the checks that need nothing but the event and its signers' keys. */
export type CheckedPdu = ReceivedEvent | { readonly refused: string };

/** The first three checks on receipt of a PDU, which need no room. */
export class ReceivedPduCheck {
  constructor(private readonly keys: ServerKeys) {}

  /**
   * 1. Format and size of the room version.
   * 2. Signatures of every server that must sign, over the redacted event, by keys that can be learnt.
   * 3. The content hash: an event whose content does not match goes on in its redacted form.
   * The answers come in the order of the texts; the keys of all of them are looked up together.
   * @param cause the server that sent them
   * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
   */
  async checkAll(
    texts: readonly string[],
    rules: RoomVersionRules,
    cause?: ServerName,
  ): Promise<CheckedPdu[]> {
    const parsed = await mapInSlices(texts, (text) => parse(text, rules));
    const wanted = parsed.flatMap((one) => ('pdu' in one ? wantedKeys(one.pdu, rules) : []));
    const keys = await this.keys.find(wanted, cause);
    return mapInSlices(parsed, async (one) => {
      if ('refused' in one) return one;
      const problem = await verifyEventSignatures(one.pdu, rules, keys);
      if (problem) return { refused: `signature of ${problem.server}: ${problem.reason}` };
      return asReceived(one.pdu, rules);
    });
  }

  /** Whether a server has signed an event, beside those that must. */
  async isSignedBy(pdu: Pdu, server: ServerName, rules: RoomVersionRules): Promise<boolean> {
    const keys = await this.keys.find(keysOf(server, pdu, withPlainNumbers(pdu, rules).origin_server_ts));
    return (await verifySignatureOf(server, pdu, rules, keys)) === undefined;
  }

  async check(text: string, rules: RoomVersionRules, cause?: ServerName): Promise<CheckedPdu> {
    const [checked] = await this.checkAll([text], rules, cause);
    return checked ?? { refused: 'nothing to check' };
  }
}

/** An event whose signatures were checked before, such as one from the staging table: in its redacted form if its hash does not match. */
export function readCheckedPdu(text: string, rules: RoomVersionRules): CheckedPdu {
  const parsed = parse(text, rules);
  return 'refused' in parsed ? parsed : asReceived(parsed.pdu, rules);
}

function parse(text: string, rules: RoomVersionRules): { pdu: Pdu } | { refused: string } {
  const parsed = parseEventText(text, rules);
  if ('problem' in parsed) return { refused: parsed.problem };
  const { event: pdu } = parsed;
  // PostgreSQL keeps types and state keys as text, which cannot hold U+0000.
  if (`${pdu.type}${pdu.state_key ?? ''}`.includes('\0')) return { refused: 'U+0000 in a key' };
  return { pdu };
}

/** Every key by which a server that must sign has signed. That of a policy server stands in the room, and is not asked for. */
function wantedKeys(pdu: Pdu, rules: RoomVersionRules): WantedKey[] {
  const validAt = withPlainNumbers(pdu, rules).origin_server_ts;
  return requiredSigners(pdu, rules)
    .flatMap((serverName) => keysOf(serverName, pdu, validAt))
    .filter(({ keyId }) => keyId !== POLICY_KEY_ID);
}

function keysOf(serverName: ServerName, pdu: Pdu, validAt: number): WantedKey[] {
  return signingKeyIds(pdu, serverName).map((keyId) => ({ serverName, keyId, validAt }));
}

function asReceived(pdu: Pdu, rules: RoomVersionRules): ReceivedEvent {
  // What others say beside the event is theirs to say, and nothing that a signature covers.
  const { unsigned: _, ...covered } = pdu;
  const exact = hasValidContentHash(pdu, rules) ? (covered as Pdu) : redactEvent(pdu, rules);
  const [eventId, roomId] = [eventIdOf(exact, rules), roomIdOf(exact, rules)];
  return { event: { eventId, roomId, pdu: withPlainNumbers(exact, rules), rejected: false }, exact };
}
