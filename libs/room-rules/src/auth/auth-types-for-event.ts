import { isJsonObject, type Pdu } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';

export type StateType = readonly [type: string, stateKey: string];

const CREATE: StateType = ['m.room.create', ''];
const POWER_LEVELS: StateType = ['m.room.power_levels', ''];
const JOIN_RULES: StateType = ['m.room.join_rules', ''];

/**
 * Which state events an event cites in its `auth_events` as far as the state has them; none for `m.room.create`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection
 */
export function authTypesForEvent(pdu: Pdu, rules: RoomVersionRules): readonly StateType[] {
  if (pdu.type === 'm.room.create') return [];
  const types: StateType[] = rules.createEventImpliedByRoomId ? [] : [CREATE];
  types.push(POWER_LEVELS, ['m.room.member', pdu.sender]);
  if (pdu.type === 'm.room.member' && pdu.state_key !== undefined)
    addMemberTypes(types, pdu, pdu.state_key, rules);
  return types;
}

function addMemberTypes(types: StateType[], pdu: Pdu, target: string, rules: RoomVersionRules): void {
  const { membership, join_authorised_via_users_server: authoriser } = pdu.content;
  const addMember = (user: string) => {
    if (!types.some(([type, key]) => type === 'm.room.member' && key === user))
      types.push(['m.room.member', user]);
  };

  addMember(target);
  if (membership === 'join' || membership === 'invite' || membership === 'knock') types.push(JOIN_RULES);
  if (membership === 'invite') {
    const token = thirdPartyToken(pdu);
    if (token !== undefined) types.push(['m.room.third_party_invite', token]);
  }
  if (membership === 'join' && rules.authRules.joinUnauthorised && typeof authoriser === 'string')
    addMember(authoriser);
}

function thirdPartyToken({ content: { third_party_invite: invite } }: Pdu): string | undefined {
  if (!isJsonObject(invite) || !isJsonObject(invite.signed)) return undefined;
  return typeof invite.signed.token === 'string' ? invite.signed.token : undefined;
}
