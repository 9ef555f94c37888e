import { isJsonObject, type JsonValue } from '@atoll/matrix';
import type { PushContext } from './conditions.js';
import type { PushEvent } from './flat-event.js';
import type { PushCondition, PushRule, PushRuleset } from './push-rule.js';

/** The definition of a glob, one character after the other. */
export function naiveGlob(glob: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return text.length === 0;
  if (first === '*') return text.some((_, i) => naiveGlob(rest, text.slice(i))) || naiveGlob(rest, []);
  const [character, ...others] = text;
  return (
    character !== undefined && (first === '?' || first.toLowerCase() === character) && naiveGlob(rest, others)
  );
}

/** Every part of the text between two word boundaries. */
export function naiveWords(glob: readonly string[], text: readonly string[]): boolean {
  const isWord = (at: number) => /^[A-Za-z0-9_]$/.test(text[at] ?? '');
  const edges = [...text.keys(), text.length].filter((at) => !isWord(at) || !isWord(at - 1));
  return edges.some((start) => edges.some((end) => start <= end && naiveGlob(glob, text.slice(start, end))));
}

/** The first rule that matches, as the specification's sentences have it. */
export function naiveRule(rules: PushRuleset, event: PushEvent, context: PushContext): PushRule | undefined {
  if (event.sender === context.userId) return undefined;
  const { override, content, postcontent = [], room, sender, underride } = rules;
  const body = (glob: string): PushCondition => ({ kind: 'event_match', key: 'content.body', pattern: glob });
  const all = (conditions: readonly PushCondition[] = []) =>
    conditions.every((condition) => holds(condition, event, context));
  return [
    ...override.filter(({ conditions }) => all(conditions)),
    ...content.filter(({ pattern = '' }) => all([body(pattern)])),
    ...postcontent.filter(({ conditions }) => all(conditions)),
    ...room.filter(({ rule_id }) => rule_id === event.room_id),
    ...sender.filter(({ rule_id }) => rule_id === event.sender),
    ...underride.filter(({ conditions }) => all(conditions)),
  ].find(({ enabled }) => enabled);
}

function holds(condition: PushCondition, event: PushEvent, context: PushContext): boolean {
  const { key, pattern, value, is } = condition as Record<string, string>;
  const properties = new Map(flat(event as unknown as JsonValue));
  const at = properties.get(key ?? '');
  switch (condition.kind) {
    case 'event_match': {
      const matches = key === 'content.body' ? naiveWords : naiveGlob;
      return typeof at === 'string' && matches(Array.from(pattern ?? ''), Array.from(at.toLowerCase()));
    }
    case 'event_property_is':
      return properties.has(key ?? '') && at === value;
    case 'event_property_contains':
      return Array.isArray(at) && at.some((item) => item === value);
    case 'contains_display_name': {
      const body = properties.get('content.body');
      return (
        typeof body === 'string' &&
        naiveWords(Array.from(context.displayName ?? ''), Array.from(body.toLowerCase()))
      );
    }
    case 'room_member_count':
      return context.memberCount === Number(is);
    case 'io.element.msc4306.thread_subscription':
      return context.thread === (condition['subscribed'] === true ? 'subscribed' : 'unsubscribed');
    default:
      return false;
  }
}

/** Every property by its path. */
function flat(value: JsonValue | undefined, path: readonly string[] = []): [string, JsonValue | undefined][] {
  if (!isJsonObject(value)) return [[path.join('.'), value]];
  return Object.entries(value).flatMap(([name, item]) =>
    flat(item, [...path, name.replaceAll(/[.\\]/g, String.raw`\$&`)]),
  );
}
