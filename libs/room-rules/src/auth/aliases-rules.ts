import { serverNameOf, type Pdu } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import type { Rejection } from './rejection.js';

/** `m.room.aliases`, which says what aliases one server has for the room, in versions where it has a rule of its own. */
export function checkAliases(
  { sender, state_key: server }: Pdu,
  rules: RoomVersionRules,
): Rejection | undefined {
  const reject = rules.authRules;
  if (server === undefined) return reject.aliasesWithoutStateKey;
  return server === serverNameOf(sender) ? undefined : reject.aliasesOfOtherServer;
}
