import type { RoomActorReader } from '@atoll/database';
import type { SigningKey } from '@atoll/event-crypto';
import type { Pdu, ServerName } from '@atoll/matrix';
import {
  eventIdOf,
  hasValidContentHash,
  parseEventText,
  redactEvent,
  requiredSigners,
  roomIdOf,
  type RoomVersionRules,
  type VerifyKey,
  verifyEventSignatures,
  withPlainNumbers,
} from '@atoll/room-rules';
import { isStorable } from '../append-event/storable-text.js';
import type { CheckedPdu, ReceivedEvent } from './checked-pdu.js';

/** The first three checks on receipt of a PDU, which need no room. */
export class SignatureCheck {
  constructor(
    private readonly reader: RoomActorReader,
    private readonly serverName: ServerName,
    private readonly ownKey: SigningKey,
  ) {}

  /**
   * 1. Format and size of the room version.
   * 2. Signatures of every server that must sign, over the redacted event, by keys this server has.
   * 3. The content hash: an event whose content does not match goes on in its redacted form.
   * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
   */
  async check(json: string, rules: RoomVersionRules): Promise<CheckedPdu> {
    const parsed = parseEventText(json, rules);
    if ('problem' in parsed) return { refused: parsed.problem };
    const pdu = parsed.event;
    if (!isStorable(pdu.type) || !isStorable(pdu.state_key ?? '')) return { refused: 'U+0000 in a key' };
    const keys = await this.keysOf(requiredSigners(pdu, rules));
    const problem = await verifyEventSignatures(pdu, rules, (server, keyId) =>
      keys.get(`${server} ${keyId}`),
    );
    if (problem) return { refused: `signature of ${problem.server}: ${problem.reason}` };
    return received(hasValidContentHash(pdu, rules) ? pdu : redactEvent(pdu, rules), rules);
  }

  private async keysOf(servers: readonly ServerName[]): Promise<Map<string, VerifyKey>> {
    const keys = new Map<string, VerifyKey>();
    for (const row of await this.reader.serverKeys(servers)) {
      keys.set(`${row.server_name} ${row.key_id}`, {
        publicKey: row.public_key,
        validUntilTs: row.valid_until_ts,
        ...(row.expired_ts !== null && { expiredTs: row.expired_ts }),
      });
    }
    keys.set(`${this.serverName} ${this.ownKey.keyId}`, { publicKey: this.ownKey.publicKey });
    return keys;
  }
}

function received(exact: Pdu, rules: RoomVersionRules): ReceivedEvent {
  const [eventId, roomId] = [eventIdOf(exact, rules), roomIdOf(exact, rules)];
  return { event: { eventId, roomId, pdu: withPlainNumbers(exact, rules), rejected: false }, exact };
}
