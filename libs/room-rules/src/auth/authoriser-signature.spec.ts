import { describe, expect, it } from '@jest/globals';
import { generateSigningKey } from '@atoll/event-crypto';
import type { EventId, Pdu, RoomId, ServerName, UserId } from '@atoll/matrix';
import { buildEvent, signEvent, verifyEventSignatures } from '../event/index.js';
import { type RoomVersionRules, supportedRoomVersions } from '../room-version-rules.js';
import { casesOf } from './auth-case.spec-support.js';
import {
  acceptedSignatures,
  ALPHA,
  BETA,
  rejectedSignatures,
  type SignatureCase,
} from './signature-cases.spec-support.js';

const keys = new Map([ALPHA, BETA, 'gamma.org'].map((server) => [server, generateSigningKey()]));
const keyOf = (server: string) => keys.get(server) ?? generateSigningKey();

async function signed(
  { authoriser, membership = 'join', signers = [] }: SignatureCase,
  rules: RoomVersionRules,
): Promise<Pdu> {
  const sender = `@a:${ALPHA}` as UserId;
  const hasChosenId = rules.eventIds === 'chosen';
  const draft = {
    ...{ type: 'm.room.member', sender, state_key: sender, origin_server_ts: 1, depth: 2 },
    room_id: (rules.roomIdIsCreateEventId ? `!${'A'.repeat(43)}` : `!r:${ALPHA}`) as RoomId,
    ...(hasChosenId ? { event_id: `$e:${ALPHA}` as EventId } : {}),
    content: { membership, join_authorised_via_users_server: authoriser },
    prev_events: [],
    auth_events: [],
  };
  let { pdu } = await buildEvent(draft, rules, ALPHA, keyOf(ALPHA));
  for (const server of signers) pdu = await signEvent(pdu, rules, server as ServerName, keyOf(BETA));
  return pdu;
}

describe.each(supportedRoomVersions)('signature of an authoriser in room version $version', (rules) => {
  const check = async (one: SignatureCase) => {
    const keyFor = (server: string) => ({ publicKey: keyOf(server).publicKey });
    return verifyEventSignatures(await signed(one, rules), rules, keyFor, 1);
  };

  it.each(casesOf([...rejectedSignatures, ...acceptedSignatures], rules.version))(
    'rule $number: $what',
    async (one) => {
      expect(await check(one)).toEqual(one.problem);
    },
  );
});
