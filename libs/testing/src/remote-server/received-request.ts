import { lenientCanonicalJson, parseExactJson, verifySignature } from '@atoll/event-crypto';
import { isJsonObject, type JsonObject } from '@atoll/matrix';
import type { PeerKeys } from './peer-keys.js';

/** A request that a scripted server got. */
export interface ReceivedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** What stands in the path where the route has `:name`. */
  readonly parameters: Readonly<Record<string, string>>;
  /** `{}` where the body is no JSON object. */
  readonly body: JsonObject;
  readonly text: string;
  /** Of the `Authorization` header: `origin`, `destination`, `key`, `sig`. */
  readonly credentials: Readonly<Record<string, string>> | undefined;
  /** Whether the named origin signed exactly this request, for this server, with a key that it publishes now. */
  readonly signature: 'absent' | 'valid' | 'invalid';
}

export interface IncomingText {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly uri: string;
  readonly authorization: string | undefined;
  readonly text: string;
}

const PARAMETER = /([a-z]+)="?([^",]*)"?/gi;

/** Reads a request and verifies its signature, asking its origin for the key. */
export async function readRequest(
  { method, uri, authorization, text }: IncomingText,
  serverName: string,
  keys: PeerKeys,
): Promise<Omit<ReceivedRequest, 'parameters'>> {
  const { pathname: path, searchParams: query } = new URL(uri, 'https://remote');
  const content = text === '' ? undefined : parseExactJson(text);
  const body = isJsonObject(content) ? content : {};
  const credentials = readCredentials(authorization);
  const said = { method, path, query, body, text, credentials };
  if (credentials === undefined) return { ...said, signature: 'absent' };
  const { origin = '', destination, key = '', sig = '' } = credentials;
  const publicKey = await keys.find(origin, key);
  const signed = lenientCanonicalJson({ method, uri, origin, destination, content });
  const valid =
    destination === serverName &&
    publicKey !== undefined &&
    (await verifySignature(Buffer.from(signed), sig, publicKey));
  return { ...said, signature: valid ? 'valid' : 'invalid' };
}

function readCredentials(authorization = ''): Record<string, string> | undefined {
  const [scheme, parameters] = authorization.split(/ (.*)/s);
  if (scheme?.toLowerCase() !== 'x-matrix' || parameters === undefined) return undefined;
  const pairs = [...parameters.matchAll(PARAMETER)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name.toLowerCase(), value]));
}
