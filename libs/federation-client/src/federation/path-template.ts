/** What follows the name of an endpoint and is no id. No id is one of these words: a room's, an event's, a transaction's of ours. */
const WORDS = new Set(['claim', 'devices', 'directory', 'download', 'keys', 'profile', 'query', 'userinfo']);

/** `/_matrix/`, the API, its version and the name of the endpoint. */
const FIXED_SEGMENTS = 5;

/** A path of the federation APIs without its ids and query, so that traces name endpoints and not rooms: `/_matrix/federation/v1/event/{id}`. */
export function pathTemplate(path: string): string {
  const [pathname = ''] = path.split('?', 1);
  return pathname
    .split('/')
    .map((segment, index) => (index < FIXED_SEGMENTS || WORDS.has(segment) ? segment : '{id}'))
    .join('/');
}
