import type { JsonObject, RoomAlias } from '@atoll/matrix';

/** The content of an `m.room.canonical_alias` without an alias; undefined when it does not name it. */
export function withoutAlias(content: JsonObject, alias: RoomAlias): JsonObject | undefined {
  const { alias: main, alt_aliases: alternatives, ...rest } = content;
  const left = Array.isArray(alternatives) ? alternatives.filter((other) => other !== alias) : alternatives;
  const isAlternative = Array.isArray(alternatives) && alternatives.includes(alias);
  if (main !== alias && !isAlternative) return undefined;
  return {
    ...rest,
    ...(main !== alias && main !== undefined && { alias: main }),
    ...(left !== undefined && !(Array.isArray(left) && left.length === 0) && { alt_aliases: left }),
  };
}
