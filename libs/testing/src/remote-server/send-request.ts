import { parseExactJson, lenientCanonicalJson, type SigningKey } from '@atoll/event-crypto';
import { isJsonObject, type JsonObject } from '@atoll/matrix';
import { checkContract } from '../contract/check-contract.js';
import { exchange } from './exchange.js';

/** A server as it signs. */
export interface Signer {
  readonly serverName: string;
  readonly key: SigningKey;
}

/** A server that a scripted one talks to: found by its literal name and port. */
export interface Peer {
  readonly serverName: string;
}

export interface SendOptions {
  /** The body as text, in the place of the object: numbers and keys as no `JSON.stringify` writes them. */
  readonly text?: string;
  /** Who the request says that it is from. */
  readonly origin?: string;
  /** Who the request says that it is for. */
  readonly destination?: string;
  readonly key?: SigningKey;
  /** Without a signature. */
  readonly unsigned?: boolean;
  readonly timeoutMs?: number;
}

export interface PeerAnswer {
  readonly status: number;
  /** `{}` where the answer is no JSON object. */
  readonly body: JsonObject;
  readonly text: string;
}

/**
 * Sends a request to a peer, signed by `signer` unless the options say otherwise.
 * @param path percent-encoded, with the query
 * @throws Error when there is no answer in time, or it breaks the specification
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export async function sendRequest(
  signer: Signer,
  peer: Peer,
  method: string,
  path: string,
  body: unknown,
  options: SendOptions = {},
): Promise<PeerAnswer> {
  const text = options.text ?? (body === undefined ? undefined : JSON.stringify(body));
  const headers = {
    ...(options.unsigned !== true && {
      authorization: await authorization(signer, peer, method, path, text, options),
    }),
    ...(text !== undefined && { 'content-type': 'application/json' }),
  };
  const { timeoutMs } = options;
  const answer = await exchange(`https://${peer.serverName}${path}`, {
    ...{ method, headers, text },
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  const { status, headers: told, text: said } = answer;
  const parsed = parseExactJson(said);
  const bodyOf = isJsonObject(parsed) ? parsed : {};
  await checkContract(method, path, { status, headers: told, body: bodyOf, text: said });
  return { status, body: bodyOf, text: said };
}

async function authorization(
  signer: Signer,
  peer: Peer,
  method: string,
  uri: string,
  text: string | undefined,
  { origin = signer.serverName, destination = peer.serverName, key = signer.key }: SendOptions,
): Promise<string> {
  const content = text === undefined ? undefined : parseExactJson(text);
  const signed = lenientCanonicalJson({ method, uri, origin, destination, content });
  const sig = await key.sign(Buffer.from(signed));
  return `X-Matrix origin="${origin}",destination="${destination}",key="${key.keyId}",sig="${sig}"`;
}
