import { type JsonValue, isJsonObject, type UserId } from '@atoll/matrix';
import { type FlatEvent, parsePropertyPath, type PropertyPath } from './flat-event.js';
import { Glob } from './glob.js';
import type { PushCondition } from './push-rule.js';
import type { Work } from './work.js';

/** What rules ask for beside the event. */
export interface PushContext {
  /** Whose rules they are. */
  userId: UserId;
  /** The user's in the room. */
  displayName?: string | undefined;
  /** Joined members of the room. */
  memberCount: number;
  /** The sender's power level in the room; `Infinity` for creators where the room version privileges them. */
  senderLevel: number;
  /** `notifications` of the room's power levels, as it stands there. */
  notificationLevels?: unknown;
  /** How the user stands to the thread that the event is in; undefined when it is in none. */
  thread?: 'subscribed' | 'unsubscribed' | undefined;
}

/** A condition, ready to be tried on many events. */
export type Test = (event: FlatEvent, context: PushContext, work: Work) => boolean;

/** The kind of the condition that asks for {@link PushContext.thread}, as long as it is a proposal. */
export const THREAD_SUBSCRIPTION = 'io.element.msc4306.thread_subscription';

const BODY = parsePropertyPath('content.body');
const DEFAULT_NOTIFICATION_LEVEL = 50;

const KINDS: Readonly<Record<string, (condition: PushCondition) => Test | undefined>> = {
  event_match: ({ key, pattern }) => {
    if (typeof key !== 'string' || typeof pattern !== 'string') return undefined;
    return key === 'content.body' ? wordsMatch(pattern) : valueMatches(parsePropertyPath(key), pattern);
  },
  event_property_is: ({ key, value }) => {
    if (typeof key !== 'string' || !isScalar(value)) return undefined;
    const path = parsePropertyPath(key);
    return (event) => event.value(path) === value;
  },
  event_property_contains: ({ key, value }) => {
    if (typeof key !== 'string' || !isScalar(value)) return undefined;
    const path = parsePropertyPath(key);
    return (event) => {
      const values = event.value(path);
      return Array.isArray(values) && values.includes(value);
    };
  },
  contains_display_name:
    () =>
    (event, { displayName }, work) => {
      const body = displayName ? event.text(BODY) : undefined;
      return body !== undefined && (Glob.literal(displayName ?? '')?.matchesWords(body, work) ?? false);
    },
  room_member_count: ({ is }) => {
    const [, comparison = '==', digits] =
      (typeof is === 'string' && /^(==|<=?|>=?)?([0-9]{1,15})$/.exec(is)) || [];
    if (digits === undefined) return undefined;
    const compares = COMPARISONS[comparison];
    return compares && ((_, { memberCount }) => compares(memberCount, Number(digits)));
  },
  sender_notification_permission: ({ key }) => {
    if (typeof key !== 'string') return undefined;
    return (_, { senderLevel, notificationLevels }) => senderLevel >= levelFor(key, notificationLevels);
  },
  [THREAD_SUBSCRIPTION]: ({ subscribed }) => {
    if (typeof subscribed !== 'boolean') return undefined;
    const wanted = subscribed ? 'subscribed' : 'unsubscribed';
    return (_, { thread }) => thread === wanted;
  },
};

const COMPARISONS: Readonly<Record<string, (count: number, bound: number) => boolean>> = {
  '==': (count, bound) => count === bound,
  '<': (count, bound) => count < bound,
  '>': (count, bound) => count > bound,
  '<=': (count, bound) => count <= bound,
  '>=': (count, bound) => count >= bound,
};

/**
 * A condition as a test; undefined for one that is unknown or lacks something, which matches no event.
 * @see https://spec.matrix.org/v1.19/client-server-api/#conditions
 */
export function compileCondition(condition: PushCondition): Test | undefined {
  return Object.hasOwn(KINDS, condition.kind) ? KINDS[condition.kind]?.(condition) : undefined;
}

/** Whether words of the body match a glob. */
export function wordsMatch(pattern: string): Test | undefined {
  const glob = Glob.of(pattern);
  return (
    glob &&
    ((event, _, work) => {
      const body = event.text(BODY);
      return body !== undefined && glob.matchesWords(body, work);
    })
  );
}

function valueMatches(path: PropertyPath, pattern: string): Test | undefined {
  const glob = Glob.of(pattern);
  return (
    glob &&
    ((event, _, work) => {
      const value = event.text(path);
      return value !== undefined && glob.matches(value, work);
    })
  );
}

function isScalar(value: JsonValue | undefined): value is string | number | boolean | null {
  return value === null || ['string', 'boolean'].includes(typeof value) || Number.isSafeInteger(value);
}

/** Rooms of versions up to 9 may hold levels as text. */
function levelFor(key: string, levels: unknown): number {
  const level = isJsonObject(levels) && Object.hasOwn(levels, key) ? levels[key] : undefined;
  if (typeof level === 'string' && /^\s*[+-]?[0-9]{1,15}\s*$/.test(level)) return Number(level);
  return Number.isSafeInteger(level) ? (level as number) : DEFAULT_NOTIFICATION_LEVEL;
}
