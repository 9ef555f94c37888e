/** What redaction leaves of an event. */
export interface RedactionRules {
  /** Top-level keys that stay, `signatures` aside; in canonical order, so that hashing need not sort. */
  readonly keys: readonly string[];
  /** Keys that stay of the content of each event type; nothing stays of other types. */
  readonly content: ReadonlyMap<string, readonly string[] | 'everything'>;
  /** Where `third_party_invite` is among a type's keys, only this part of it stays. */
  readonly keptOfThirdPartyInvite: readonly string[];
}

const KEYS = [
  'auth_events',
  'content',
  'depth',
  'event_id',
  'hashes',
  'origin_server_ts',
  'prev_events',
  'room_id',
  'sender',
  'state_key',
  'type',
];

const POWER_LEVEL_KEYS = [
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
];

/** @see https://spec.matrix.org/v1.19/rooms/v1/#redactions */
export const version1: RedactionRules = {
  keys: [...KEYS, 'membership', 'origin', 'prev_state'].sort(),
  content: new Map([
    ['m.room.member', ['membership']],
    ['m.room.create', ['creator']],
    ['m.room.join_rules', ['join_rule']],
    ['m.room.power_levels', POWER_LEVEL_KEYS],
    ['m.room.aliases', ['aliases']],
    ['m.room.history_visibility', ['history_visibility']],
  ]),
  keptOfThirdPartyInvite: [],
};

/** Aliases go. @see https://spec.matrix.org/v1.19/rooms/v6/#redactions */
export const version6: RedactionRules = {
  ...version1,
  content: new Map([...version1.content].filter(([type]) => type !== 'm.room.aliases')),
};

/** @see https://spec.matrix.org/v1.19/rooms/v8/#redactions */
export const version8: RedactionRules = {
  ...version6,
  content: new Map([...version6.content, ['m.room.join_rules', ['allow', 'join_rule']]]),
};

/** @see https://spec.matrix.org/v1.19/rooms/v9/#redactions */
export const version9: RedactionRules = {
  ...version8,
  content: new Map([
    ...version8.content,
    ['m.room.member', ['join_authorised_via_users_server', 'membership']],
  ]),
};

/** @see https://spec.matrix.org/v1.19/rooms/v11/#redactions */
export const version11: RedactionRules = {
  keys: KEYS,
  content: new Map<string, readonly string[] | 'everything'>([
    ...version9.content,
    ['m.room.member', ['join_authorised_via_users_server', 'membership', 'third_party_invite']],
    ['m.room.create', 'everything'],
    ['m.room.power_levels', [...POWER_LEVEL_KEYS, 'invite'].sort()],
    ['m.room.redaction', ['redacts']],
  ]),
  keptOfThirdPartyInvite: ['signed'],
};
