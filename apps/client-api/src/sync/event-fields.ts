import { isJsonObject, type JsonObject } from '@atoll/matrix';

/**
 * Makes `event_fields` into a function that leaves nothing else of an event.
 * @see https://spec.matrix.org/v1.19/appendices/#dot-separated-property-paths
 */
export function compileEventFields(fields: readonly string[]): (event: JsonObject) => JsonObject {
  const paths = fields.map(parsePath);
  return (event) => {
    const kept: JsonObject = {};
    for (const path of paths) copy(event, kept, path);
    return kept;
  };
}

function copy(from: JsonObject, to: JsonObject, [key, ...rest]: readonly string[]): void {
  if (key === undefined || !Object.hasOwn(from, key)) return;
  const value = from[key];
  if (rest.length === 0) {
    define(to, key, value);
    return;
  }
  if (!isJsonObject(value)) return;
  const inner = Object.hasOwn(to, key) ? to[key] : {};
  if (!isJsonObject(inner)) return;
  // The whole value is there already when another path asked for it.
  if (inner === value) return;
  copy(value, inner, rest);
  if (Object.keys(inner).length > 0) define(to, key, inner);
}

/** Keys come from events: one named `__proto__` must not change what it is written to. */
function define(target: JsonObject, key: string, value: JsonObject[string]): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Splits at dots; a backslash takes the meaning from a dot or backslash behind it. */
function parsePath(path: string): string[] {
  const keys = [''];
  const add = (text: string) => keys.push((keys.pop() ?? '') + text);
  for (const part of path.match(/\\[.\\]|[^]/g) ?? []) {
    if (part === '.') keys.push('');
    else add(part.length === 2 && part.startsWith('\\') ? part.slice(1) : part);
  }
  return keys;
}
