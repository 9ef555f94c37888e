import type { RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';

/** The one user whom the room version calls the creator: named in the content (1–10) or the sender (11+). */
export function creatorOf(create: RoomEvent, rules: RoomVersionRules): string | undefined {
  if (!rules.creatorInContent) return create.pdu.sender;
  const { creator } = create.pdu.content;
  return typeof creator === 'string' ? creator : undefined;
}

/** The creator and, where the version has them, the additional creators. */
export function creatorsOf(create: RoomEvent, rules: RoomVersionRules): string[] {
  const creators = [creatorOf(create, rules), ...additionalCreatorsOf(create, rules)];
  return creators.filter((creator) => typeof creator === 'string');
}

/** Whether a user is among `creatorsOf`, without making the list. */
export function isCreator(user: string, create: RoomEvent, rules: RoomVersionRules): boolean {
  return creatorOf(create, rules) === user || additionalCreatorsOf(create, rules).includes(user);
}

function additionalCreatorsOf(create: RoomEvent, rules: RoomVersionRules): readonly unknown[] {
  const { additional_creators: additional } = create.pdu.content;
  return rules.privilegedCreators && Array.isArray(additional) ? additional : [];
}
