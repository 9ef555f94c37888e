import { isJsonObject, isUserId, type JsonObject, type JsonValue } from '@atoll/matrix';
import { LEVEL_DEFAULTS, levelIn, type RoomVersionRules } from '@atoll/room-rules';

const LEVEL_NAMES = Object.keys(LEVEL_DEFAULTS);
const LEVEL_MAPS = ['events', 'notifications', 'users'];
const ADMIN_LEVEL = 100;
/** Where creators are privileged, by default only they may end the room. */
const TOMBSTONE_OF_CREATORS = 150;

/** A room with its creators, as far as power goes. */
export interface Reign {
  readonly rules: RoomVersionRules;
  readonly creators: readonly string[];
}

/**
 * The power levels that a replacement is to have in the end: those of the old room, written as integers, with its creators where the
 * versions know them differently. Creators who stand above all levels have none; where they lose that, they get one that is not below
 * any other; who was one in the old room only is nothing but a user in the new one.
 * @param content of the old room's power levels, if there are any
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorization-rules rule 10.4
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom on the level of tombstones
 */
export function replacementPowerLevels(content: JsonObject | undefined, old: Reign, next: Reign): JsonObject {
  const levels = content === undefined ? undefined : withIntegers(content, old.rules);
  if (next.rules.privilegedCreators) {
    const users = Object.entries(mapIn(levels ?? {}, 'users'));
    const others = users.filter(([user]) => !next.creators.includes(user));
    const kept = { ...levels, users: Object.fromEntries(others) };
    return { ...kept, events: tombstoneByCreators(kept, old.rules) };
  }
  if (levels !== undefined && !old.rules.privilegedCreators) return levels;
  const level = Math.max(ADMIN_LEVEL, ...allLevels(levels ?? {}));
  const creators = Object.fromEntries(old.creators.map((creator) => [creator, level]));
  return { ...levels, users: { ...mapIn(levels ?? {}, 'users'), ...creators } };
}

/**
 * The same while the replacement is made: whoever makes it can set all of its state and ban everybody, though it may be less in the end.
 */
export function duringCreation(levels: JsonObject, creator: string, rules: RoomVersionRules): JsonObject {
  if (rules.privilegedCreators) return levels;
  const above = Math.min(Math.max(ADMIN_LEVEL, ...allLevels(levels)) + 1, Number.MAX_SAFE_INTEGER);
  return { ...levels, users: { ...mapIn(levels, 'users'), [creator]: above } };
}

/** The initial level of tombstones must be above that of other state, so that an administrator does not become a creator by an upgrade. */
function tombstoneByCreators(levels: JsonObject, oldRules: RoomVersionRules): JsonObject {
  const events = mapIn(levels, 'events');
  const ofState = integerOf(levels['state_default']) ?? LEVEL_DEFAULTS.state_default;
  const current = integerOf(events['m.room.tombstone']) ?? ofState;
  if (oldRules.privilegedCreators && current > ofState) return events;
  const raised = Math.max(TOMBSTONE_OF_CREATORS, current, Math.min(ofState + 1, Number.MAX_SAFE_INTEGER));
  return { ...events, 'm.room.tombstone': raised };
}

/** Old versions let levels be texts and fractions, and never looked at the users' names. */
function withIntegers(content: JsonObject, rules: RoomVersionRules): JsonObject {
  const level = (value: JsonValue | undefined) => integerOf(levelIn(value, rules));
  const levels = Object.entries(content).map(([key, value]) => {
    if (LEVEL_NAMES.includes(key)) return [key, level(value)] as const;
    if (!LEVEL_MAPS.includes(key)) return [key, value] as const;
    const entries = Object.entries(mapIn(content, key)).map(([name, one]) => [name, level(one)] as const);
    const known = entries.filter(([name, one]) => one !== undefined && (key !== 'users' || isUserId(name)));
    return [key, Object.fromEntries(known)] as const;
  });
  return Object.fromEntries(levels.filter(([, value]) => value !== undefined));
}

/** Every level that a content names, of users and of what they may do. */
function allLevels(content: JsonObject): number[] {
  const single = LEVEL_NAMES.map((name) => content[name]);
  const inMaps = LEVEL_MAPS.flatMap((name) => Object.values(mapIn(content, name)));
  return [...single, ...inMaps].flatMap((value) => integerOf(value) ?? []);
}

function mapIn(content: JsonObject, name: string): JsonObject {
  const map = content[name];
  return isJsonObject(map) ? map : {};
}

function integerOf(value: JsonValue | undefined): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}
