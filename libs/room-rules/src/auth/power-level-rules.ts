import { isJsonObject, isUserId, type JsonObject, type JsonValue, type RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { creatorsOf } from './creators.js';
import { LEVEL_DEFAULTS, type LevelName } from './power-levels.js';
import type { Rejection } from './rejection.js';
import type { StateLookup } from './state-lookup.js';

interface PowerLevelContext {
  readonly create: RoomEvent;
  readonly state: StateLookup;
  readonly senderLevel: number;
  readonly rules: RoomVersionRules;
}

const LEVEL_NAMES = Object.keys(LEVEL_DEFAULTS) as LevelName[];
const NO_ENTRIES: JsonObject = {};

/** The rule about `m.room.power_levels` events: a well-formed content first, then nothing above the sender changes. */
export function checkPowerLevels({ pdu }: RoomEvent, context: PowerLevelContext): Rejection | undefined {
  const malformed = checkContent(pdu.content, context);
  if (malformed !== undefined) return malformed;
  const current = context.state('m.room.power_levels', '');
  if (current === undefined) return undefined;
  return checkChanges(current.pdu.content, pdu.content, pdu.sender, context);
}

function checkContent(content: JsonObject, { create, rules }: PowerLevelContext): Rejection | undefined {
  const reject = rules.authRules;
  const { users } = content;
  const isBad = (value: JsonValue | undefined) => value !== undefined && !isInteger(value);
  if (reject.powerLevelNotInteger && LEVEL_NAMES.some((name) => isBad(content[name])))
    return reject.powerLevelNotInteger;
  if (reject.powerLevelMapMalformed && !(isLevelMap(content.events) && isLevelMap(content.notifications))) {
    return reject.powerLevelMapMalformed;
  }
  if (!isLevelMap(users) || !Object.keys(users ?? NO_ENTRIES).every(isUserId)) {
    return reject.powerLevelUsersMalformed;
  }
  const names = (user: string) => users !== undefined && Object.hasOwn(users, user);
  if (reject.powerLevelNamesCreator && creatorsOf(create, rules).some(names)) {
    return reject.powerLevelNamesCreator;
  }
  return undefined;
}

function checkChanges(
  current: JsonObject,
  next: JsonObject,
  sender: string,
  { senderLevel, rules }: PowerLevelContext,
): Rejection | undefined {
  const reject = rules.authRules;
  const isAbove = (level: JsonValue | undefined) => isInteger(level) && level > senderLevel;

  // A level that is not set counts as its default: who stands below 50 must not lower `ban` by naming it for the first time.
  for (const name of LEVEL_NAMES) {
    if (current[name] === next[name]) continue;
    if (isAbove(current[name] ?? LEVEL_DEFAULTS[name])) return reject.levelAboveOwn;
    if (isAbove(next[name] ?? LEVEL_DEFAULTS[name])) return reject.newLevelAboveOwn;
  }
  const entries = [
    ...changes(current.events, next.events),
    ...changes(current.notifications, next.notifications),
  ];
  if (entries.some(({ from }) => isAbove(from))) return reject.entryAboveOwn;
  if (entries.some(({ to }) => isAbove(to))) return reject.newEntryAboveOwn;

  const users = changes(current.users, next.users);
  const isNotBelow = (level: JsonValue | undefined) => isInteger(level) && level >= senderLevel;
  if (users.some(({ key, from }) => key !== sender && isNotBelow(from))) return reject.userNotBelowOwn;
  if (users.some(({ to }) => isAbove(to))) return reject.newUserAboveOwn;
  return undefined;
}

interface Change {
  readonly key: string;
  readonly from: JsonValue | undefined;
  readonly to: JsonValue | undefined;
}

/** Entries that were added, changed or removed; there is no default for an entry. */
function changes(current: JsonValue | undefined, next: JsonValue | undefined): Change[] {
  const before = new Map(isJsonObject(current) ? Object.entries(current) : []);
  const after = new Map(isJsonObject(next) ? Object.entries(next) : []);
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((key) => ({ key, from: before.get(key), to: after.get(key) }))
    .filter(({ from, to }) => from !== to);
}

const isInteger = (value: JsonValue | undefined): value is number => Number.isSafeInteger(value);

/** Absent, or an object whose values are all integers. */
function isLevelMap(value: JsonValue | undefined): value is JsonObject | undefined {
  return value === undefined || (isJsonObject(value) && Object.values(value).every(isInteger));
}
