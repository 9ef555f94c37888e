import { isJsonObject, type JsonObject, type JsonValue } from '@atoll/matrix';

/** An event as clients get it, as far as rules look at it. */
export interface PushEvent {
  type: string;
  sender: string;
  room_id: string;
  event_id?: string;
  state_key?: string;
  content: JsonObject;
}

/** The way to a property, as it is written and as the names that it goes along. */
export interface PropertyPath {
  readonly key: string;
  readonly names: readonly string[];
}

/**
 * Takes a path apart at its dots. A backslash makes a dot or backslash after it a part of the name; before anything else it is one itself.
 * @see https://spec.matrix.org/v1.19/appendices/#dot-separated-property-paths
 */
export function parsePropertyPath(key: string): PropertyPath {
  const names = [''];
  const add = (characters: string) => names.push((names.pop() ?? '') + characters);
  for (const [token] of key.matchAll(/\\[.\\]|\.|[^.\\]+|\\/g)) {
    if (token === '.') names.push('');
    else add(token.length === 2 && token.startsWith('\\') ? token.charAt(1) : token);
  }
  return { key, names };
}

/** An event that many users' rules are tried on: what they look at is prepared once. */
export class FlatEvent {
  private readonly values = new Map<string, JsonValue | undefined>();
  private readonly texts = new Map<string, string | undefined>();

  constructor(readonly event: PushEvent) {}

  /** The value at a path; undefined where there is none. Arrays are not gone into. */
  value({ key, names }: PropertyPath): JsonValue | undefined {
    if (!this.values.has(key)) this.values.set(key, this.find(names));
    return this.values.get(key);
  }

  /** The string at a path in lower case; undefined where there is none. */
  text(path: PropertyPath): string | undefined {
    const { key } = path;
    const known = this.texts.get(key);
    if (known !== undefined || this.texts.has(key)) return known;
    const value = this.value(path);
    const text = typeof value === 'string' ? value.toLowerCase() : undefined;
    this.texts.set(key, text);
    return text;
  }

  private find(names: readonly string[]): JsonValue | undefined {
    let value: JsonValue | undefined = this.event as unknown as JsonObject;
    for (const name of names) {
      if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
      value = value[name];
    }
    return value;
  }
}

/** Prepares an event for the rules of any number of users. */
export function flatten(event: PushEvent): FlatEvent {
  return new FlatEvent(event);
}
