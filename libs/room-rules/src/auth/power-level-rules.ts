import {
  hasUserIdGrammar,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type RoomEvent,
} from '@atoll/matrix';
import { exceedsFieldLimit } from '../event/event-size.js';
import type { RoomVersionRules } from '../room-version-rules.js';
import { creatorsOf } from './creators.js';
import { levelIn } from './level-in.js';
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
  if (LEVEL_NAMES.some((name) => isBad(content[name], rules))) return reject.powerLevelNotInteger;
  if (guardedMaps(content, rules).some((map) => !isLevelMap(map, rules)))
    return reject.powerLevelMapMalformed;
  const isUser = (key: string) => hasUserIdGrammar(key) && !exceedsFieldLimit(key, rules);
  if (!isLevelMap(users, rules) || !Object.keys(users ?? NO_ENTRIES).every(isUser)) {
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
  const isAbove = (level: number | undefined) => level !== undefined && level > senderLevel;

  // A level that is not set counts as its default: who stands below 50 must not lower `ban` by naming it for the first time.
  for (const name of LEVEL_NAMES) {
    const [from, to] = [levelIn(current[name], rules), levelIn(next[name], rules)];
    if (from === to) continue;
    if (isAbove(from ?? LEVEL_DEFAULTS[name])) return reject.levelAboveOwn;
    if (isAbove(to ?? LEVEL_DEFAULTS[name])) return reject.newLevelAboveOwn;
  }
  const after = guardedMaps(next, rules);
  const entries = guardedMaps(current, rules).flatMap((map, index) => changes(map, after[index], rules));
  if (entries.some(({ from }) => isAbove(from))) return reject.entryAboveOwn;
  if (entries.some(({ to }) => isAbove(to))) return reject.newEntryAboveOwn;

  const users = changes(current.users, next.users, rules);
  const isNotBelow = (level: number | undefined) => level !== undefined && level >= senderLevel;
  if (users.some(({ key, from }) => key !== sender && isNotBelow(from))) return reject.userNotBelowOwn;
  if (users.some(({ to }) => isAbove(to))) return reject.newUserAboveOwn;
  return undefined;
}

/** The maps, beside `users`, whose entries are held to the sender's level. */
function guardedMaps(
  { events, notifications }: JsonObject,
  { notificationLevelsAreGuarded }: RoomVersionRules,
): (JsonValue | undefined)[] {
  return notificationLevelsAreGuarded ? [events, notifications] : [events];
}

interface Change {
  readonly key: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** Entries that were added, changed or removed; there is no default for an entry. */
function changes(
  current: JsonValue | undefined,
  next: JsonValue | undefined,
  rules: RoomVersionRules,
): Change[] {
  const before = new Map(isJsonObject(current) ? Object.entries(current) : []);
  const after = new Map(isJsonObject(next) ? Object.entries(next) : []);
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((key) => ({ key, from: levelIn(before.get(key), rules), to: levelIn(after.get(key), rules) }))
    .filter(({ from, to }) => from !== to);
}

function isBad(value: JsonValue | undefined, rules: RoomVersionRules): boolean {
  return value !== undefined && levelIn(value, rules) === undefined;
}

/** Absent, or an object whose values are all levels. */
function isLevelMap(value: JsonValue | undefined, rules: RoomVersionRules): value is JsonObject | undefined {
  return (
    value === undefined || (isJsonObject(value) && !Object.values(value).some((one) => isBad(one, rules)))
  );
}
