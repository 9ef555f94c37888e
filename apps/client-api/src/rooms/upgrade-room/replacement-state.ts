import { canonicalJson } from '@atoll/event-crypto';
import type { JsonObject, RoomAlias } from '@atoll/matrix';
import type { RoomVersionRules } from '@atoll/room-rules';

/** What a replacement takes over as it is, but for what the new version does not understand. */
export const COPIED_TYPES = [
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
  'm.room.server_acl',
  'm.room.encryption',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
] as const;

/** What counts when the old room does not say. */
const DEFAULTS: readonly (readonly [string, JsonObject])[] = [
  ['m.room.join_rules', { join_rule: 'invite' }],
  ['m.room.history_visibility', { history_visibility: 'shared' }],
  ['m.room.guest_access', { guest_access: 'forbidden' }],
];

interface StateContent {
  readonly type: string;
  readonly stateKey: string;
  readonly content: JsonObject;
}

/**
 * The state of the replacement beside its creation and power levels.
 * @param contentOf of the old room's state, by type
 * @param aliases of this server, that lead to the old room
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export function replacementState(
  contentOf: (type: string) => JsonObject | undefined,
  aliases: readonly RoomAlias[],
  rules: RoomVersionRules,
): StateContent[] {
  const contents = new Map(DEFAULTS);
  for (const type of COPIED_TYPES) {
    const content = contentOf(type);
    if (content !== undefined && isCopied(content)) contents.set(type, content);
  }
  contents.set('m.room.join_rules', understood(contents.get('m.room.join_rules') ?? {}, rules));
  const canonical = ownAliases(contentOf('m.room.canonical_alias') ?? {}, aliases);
  if (canonical !== undefined) contents.set('m.room.canonical_alias', canonical);
  return [...contents].map(([type, content]) => ({ type, stateKey: '', content }));
}

/** Redacted state says nothing, and numbers of old room versions may have no form in an event of today. */
function isCopied(content: JsonObject): boolean {
  if (Object.keys(content).length === 0) return false;
  try {
    canonicalJson(content);
    return true;
  } catch {
    return false;
  }
}

/** A join rule that the new version does not have would let nobody in, not even those who are invited. */
function understood(content: JsonObject, rules: RoomVersionRules): JsonObject {
  const hasKnocking = rules.authRules.knockNotAllowed !== undefined;
  const isRestrictable = rules.authRules.joinUnauthorised !== undefined;
  switch (content['join_rule']) {
    case 'knock':
      return hasKnocking ? content : { join_rule: 'invite' };
    case 'restricted':
      return isRestrictable ? content : { join_rule: 'invite' };
    case 'knock_restricted':
      if (rules.knockRestrictedJoinRule) return content;
      if (isRestrictable) return { ...content, join_rule: 'restricted' };
      return { join_rule: hasKnocking ? 'knock' : 'invite' };
    default:
      return content;
  }
}

/** Those of the canonical aliases that move to the replacement. */
function ownAliases(content: JsonObject, aliases: readonly RoomAlias[]): JsonObject | undefined {
  const { alias, alt_aliases: alternatives } = content;
  const moves = (one: unknown) => aliases.some((moved) => moved === one);
  const moving = Array.isArray(alternatives) ? alternatives.filter(moves) : [];
  if (!moves(alias) && moving.length === 0) return undefined;
  return {
    ...(alias !== undefined && moves(alias) && { alias }),
    ...(moving.length > 0 && { alt_aliases: moving }),
  };
}
