import { type AuthRules, authRulesOf } from './auth/auth-rules.js';
import * as redactionRules from './event/redaction-rules.js';

/**
 * What differs between room versions, as named rules. Code asks for a rule by its name and never compares version numbers;
 * a rule of authorisation that a version does not have is absent from its `authRules`.
 * @see https://spec.matrix.org/v1.19/rooms/
 */
export interface RoomVersionRules {
  readonly version: RoomVersion;
  /** `stable` versions are advertised in `/capabilities`. */
  readonly disposition: 'stable' | 'unstable';

  // Event format
  /**
   * `chosen` by the server that makes the event and carried in `event_id`, so that others name it by id and reference hash
   * (1–2); else the reference hash in Base64 (3) or URL-safe Base64 (4+), and others name it by id alone.
   */
  readonly eventIds: 'chosen' | 'hash' | 'url-safe-hash';
  /** Events with floats or integers beyond ±(2^53-1) are no events (6+). */
  readonly strictCanonicalJson: boolean;
  /** What 255 of are allowed in `type`, `state_key` and ids. Servers hold rooms up to 10 to characters only. */
  readonly fieldLimitUnit: 'characters' | 'bytes';
  /** The create event has no `room_id`; the room id is the create event's reference hash with the sigil `!` (12). */
  readonly roomIdIsCreateEventId: boolean;
  /** The create event is never among `auth_events`; the room id implies it (12). */
  readonly createEventImpliedByRoomId: boolean;
  /** `creator` in the create event's content must be present and name the creator (1–10). */
  readonly creatorInContent: boolean;

  // Redactions
  /** What stays of a redacted event: also what its signatures and its reference hash cover. */
  readonly redaction: redactionRules.RedactionRules;
  /** `m.room.redaction` carries `redacts` in its content instead of at the top level (11+). */
  readonly redactsInContent: boolean;

  // Signatures
  /** The server in the event id must sign as well (1–2). */
  readonly eventIdServerSigns: boolean;
  /** The server of `join_authorised_via_users_server` must sign as well (8+). */
  readonly authoriserServerSigns: boolean;
  /** A key counts for events until its `valid_until_ts` only (5+). */
  readonly keyValidityIsEnforced: boolean;

  // Authorisation
  /** Power levels must be integers; before, they could be strings of digits and were truncated (10+). */
  readonly integerPowerLevels: boolean;
  /** Changes of `notifications` are held to the sender's level (6+). */
  readonly notificationLevelsAreGuarded: boolean;
  /** Room creators, `additional_creators` among them, stand above every power level (12). */
  readonly privilegedCreators: boolean;
  /** The join rule `knock_restricted` exists (10+). */
  readonly knockRestrictedJoinRule: boolean;
  /** The authorisation rules that reject, each with its number on the version's page; a rule that is absent does not exist. */
  readonly authRules: AuthRules;

  /** Which state resolution merges forks. */
  readonly stateResolution: 'v1' | 'v2' | 'v2.1';
}

export type RoomVersion = '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '10' | '11' | '12';

/** @see https://spec.matrix.org/v1.19/rooms/v1/ */
const version1: RoomVersionRules = {
  version: '1',
  disposition: 'stable',
  eventIds: 'chosen',
  strictCanonicalJson: false,
  fieldLimitUnit: 'characters',
  roomIdIsCreateEventId: false,
  createEventImpliedByRoomId: false,
  creatorInContent: true,
  redaction: redactionRules.version1,
  redactsInContent: false,
  eventIdServerSigns: true,
  authoriserServerSigns: false,
  keyValidityIsEnforced: false,
  integerPowerLevels: false,
  notificationLevelsAreGuarded: false,
  privilegedCreators: false,
  knockRestrictedJoinRule: false,
  authRules: authRulesOf('1'),
  stateResolution: 'v1',
};

/** State resolution. @see https://spec.matrix.org/v1.19/rooms/v2/ */
const version2: RoomVersionRules = {
  ...version1,
  version: '2',
  authRules: authRulesOf('2'),
  stateResolution: 'v2',
};

/** Events named by their hash; redactions are always allowed, and applied or not. @see https://spec.matrix.org/v1.19/rooms/v3/ */
const version3: RoomVersionRules = {
  ...version2,
  version: '3',
  eventIds: 'hash',
  eventIdServerSigns: false,
  authRules: authRulesOf('3'),
};

/** @see https://spec.matrix.org/v1.19/rooms/v4/ */
const version4: RoomVersionRules = {
  ...version3,
  version: '4',
  eventIds: 'url-safe-hash',
  authRules: authRulesOf('4'),
};

/** @see https://spec.matrix.org/v1.19/rooms/v5/ */
const version5: RoomVersionRules = {
  ...version4,
  version: '5',
  keyValidityIsEnforced: true,
  authRules: authRulesOf('5'),
};

/** Strict JSON; aliases lose their meaning; levels of notifications are guarded. @see https://spec.matrix.org/v1.19/rooms/v6/ */
const version6: RoomVersionRules = {
  ...version5,
  version: '6',
  strictCanonicalJson: true,
  redaction: redactionRules.version6,
  notificationLevelsAreGuarded: true,
  authRules: authRulesOf('6'),
};

/** Knocking. @see https://spec.matrix.org/v1.19/rooms/v7/ */
const version7: RoomVersionRules = { ...version6, version: '7', authRules: authRulesOf('7') };

/** Restricted joins. @see https://spec.matrix.org/v1.19/rooms/v8/ */
const version8: RoomVersionRules = {
  ...version7,
  version: '8',
  redaction: redactionRules.version8,
  authoriserServerSigns: true,
  authRules: authRulesOf('8'),
};

/** @see https://spec.matrix.org/v1.19/rooms/v9/ */
const version9: RoomVersionRules = {
  ...version8,
  version: '9',
  redaction: redactionRules.version9,
  authRules: authRulesOf('9'),
};

/** Integer power levels; `knock_restricted`. @see https://spec.matrix.org/v1.19/rooms/v10/ */
const version10: RoomVersionRules = {
  ...version9,
  version: '10',
  integerPowerLevels: true,
  knockRestrictedJoinRule: true,
  authRules: authRulesOf('10'),
};

/** New redaction rules; creator and redacted event elsewhere. @see https://spec.matrix.org/v1.19/rooms/v11/ */
const version11: RoomVersionRules = {
  ...version10,
  version: '11',
  fieldLimitUnit: 'bytes',
  creatorInContent: false,
  redaction: redactionRules.version11,
  redactsInContent: true,
  authRules: authRulesOf('11'),
};

/** Rooms named by their create event; creators above all levels. @see https://spec.matrix.org/v1.19/rooms/v12/ */
const version12: RoomVersionRules = {
  ...version11,
  version: '12',
  roomIdIsCreateEventId: true,
  createEventImpliedByRoomId: true,
  privilegedCreators: true,
  authRules: authRulesOf('12'),
  stateResolution: 'v2.1',
};

/** Every room version that this server can take part in. */
export const supportedRoomVersions: readonly RoomVersionRules[] = [
  ...[version1, version2, version3, version4, version5, version6],
  ...[version7, version8, version9, version10, version11, version12],
];

const RULES: ReadonlyMap<string, RoomVersionRules> = new Map(
  supportedRoomVersions.map((rules) => [rules.version, rules]),
);

/** The rules of a room version, or `undefined` for one that this server does not know. */
export function rulesOf(version: string): RoomVersionRules | undefined {
  return RULES.get(version);
}
