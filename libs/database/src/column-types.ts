import pg from 'pg';

const INT8 = 20;
const INT8_ARRAY = 1016;

type Parse = (text: string) => unknown;

// pg's own list of type numbers has no array types.
const typeParser = pg.types.getTypeParser as unknown as (oid: number, format?: string) => Parse;
const parseInt8Texts = typeParser(INT8_ARRAY) as (text: string) => (string | null)[];

const ownParsers = new Map<number, Parse>([
  [INT8, parseSafeInteger],
  [INT8_ARRAY, (text) => parseInt8Texts(text).map((item) => (item === null ? null : parseSafeInteger(item)))],
]);

/** Parsers of column values: `int8` becomes a number (positions and counts stay below 2^53), the rest is pg's default. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: string): Parse =>
    (format === 'binary' ? undefined : ownParsers.get(oid)) ?? typeParser(oid, format),
};

function parseSafeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 beyond 2^53: ${text}`);
  return value;
}
