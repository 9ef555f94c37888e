import { type AuthRules, authRules } from './auth/auth-rules.js';
import { ruleNumbers10, ruleNumbers11, ruleNumbers12 } from './auth/auth-rule-numbers.js';

/**
 * What differs between room versions, as named rules. Code asks for a rule by its name and never compares version numbers.
 * @see https://spec.matrix.org/v1.19/rooms/
 */
export interface RoomVersionRules {
  readonly version: RoomVersion;
  /** `stable` versions are advertised in `/capabilities`. */
  readonly disposition: 'stable' | 'unstable';
  /** The create event has no `room_id`; the room id is the create event's reference hash with the sigil `!` (12). */
  readonly roomIdIsCreateEventId: boolean;
  /** The create event is never among `auth_events`; the room id implies it (12). */
  readonly createEventImpliedByRoomId: boolean;
  /** `creator` in the create event's content must be present and name the creator (1–10). */
  readonly creatorInContent: boolean;
  /** Room creators, `additional_creators` among them, stand above every power level (12). */
  readonly privilegedCreators: boolean;
  /** `m.room.redaction` carries `redacts` in its content instead of at the top level (11+). */
  readonly redactsInContent: boolean;
  /** Redaction keeps all of the create event's content and other things changed by MSC2176, MSC3821 (11+). */
  readonly updatedRedactionRules: boolean;
  /** Power levels must be integers, never strings of digits (10+). */
  readonly integerPowerLevels: boolean;
  /** The join rule `knock_restricted` exists (10+). */
  readonly knockRestrictedJoinRule: boolean;
  /** The authorisation rules that reject, each with its number on the version's page; a rule that is absent does not exist. */
  readonly authRules: AuthRules;
  /** Which state resolution merges forks. */
  readonly stateResolution: 'v2' | 'v2.1';
}

export type RoomVersion = '10' | '11' | '12';

const version10: RoomVersionRules = {
  version: '10',
  disposition: 'stable',
  roomIdIsCreateEventId: false,
  createEventImpliedByRoomId: false,
  creatorInContent: true,
  privilegedCreators: false,
  redactsInContent: false,
  updatedRedactionRules: false,
  integerPowerLevels: true,
  knockRestrictedJoinRule: true,
  authRules: authRules(ruleNumbers10),
  stateResolution: 'v2',
};
const version11: RoomVersionRules = {
  ...version10,
  version: '11',
  creatorInContent: false,
  redactsInContent: true,
  updatedRedactionRules: true,
  authRules: authRules(ruleNumbers11),
};
const version12: RoomVersionRules = {
  ...version11,
  version: '12',
  roomIdIsCreateEventId: true,
  createEventImpliedByRoomId: true,
  privilegedCreators: true,
  authRules: authRules(ruleNumbers12),
  stateResolution: 'v2.1',
};

const RULES: ReadonlyMap<string, RoomVersionRules> = new Map(
  [version10, version11, version12].map((rules) => [rules.version, rules]),
);

/** The rules of a room version, or `undefined` for one that this server does not know. */
export function rulesOf(version: string): RoomVersionRules | undefined {
  return RULES.get(version);
}

/** Every room version that this server can take part in. */
export const supportedRoomVersions: readonly RoomVersionRules[] = [...RULES.values()];
