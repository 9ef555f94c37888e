type Headers = Readonly<Record<string, string | string[] | undefined>>;

const DELTA_SECONDS = /^"?(\d{1,10})"?$/;

/**
 * How long an answer says that it may be kept, in milliseconds; undefined when it says nothing.
 * @param now milliseconds of the epoch
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-4.2
 */
export function statedLifetime(headers: Headers, now: number): number | undefined {
  const directives = parseCacheControl(textOf(headers['cache-control']));
  if (directives.has('no-store') || directives.has('no-cache')) return 0;
  const maxAge = seconds(directives.get('max-age'));
  if (maxAge !== undefined) {
    return Math.max(0, maxAge - (seconds(textOf(headers['age'])) ?? 0)) * 1000;
  }
  const expires = textOf(headers['expires']);
  if (expires === '') return undefined;
  const until = Date.parse(expires);
  const from = Date.parse(textOf(headers['date']));
  // "0" and other nonsense means: already expired.
  return Number.isNaN(until) ? 0 : Math.max(0, until - (Number.isNaN(from) ? now : from));
}

function parseCacheControl(text: string): Map<string, string> {
  const pairs = text.split(',').map((directive): [string, string] => {
    const [name = '', value = ''] = directive.split('=');
    return [name.trim().toLowerCase(), value.trim()];
  });
  return new Map(pairs.reverse());
}

function seconds(text: string | undefined): number | undefined {
  const digits = DELTA_SECONDS.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const textOf = (value: string | string[] | undefined) =>
  Array.isArray(value) ? value.join(',') : (value ?? '');
