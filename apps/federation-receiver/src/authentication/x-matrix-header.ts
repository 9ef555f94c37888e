/** The parameters of one `Authorization: X-Matrix` header. */
export interface XMatrixCredentials {
  readonly origin: string;
  /** Left out by old servers. */
  readonly destination?: string;
  readonly key: string;
  readonly signature: string;
}

const SCHEME = /^x-matrix +/i;
/** One `name=value`: a token, which old servers let contain colons, or a quoted string. RFC 9110, sections 5.6.2, 5.6.4 and 11.2. */
const PARAMETER =
  /[\t ]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[\t ]*=[\t ]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+\-.^_`|~0-9A-Za-z:]+))[\t ]*/y;
/** Lists may have empty elements. RFC 9110, section 5.6.1. */
const COMMAS = /[\t ]*(?:,[\t ]*)+/y;

/** Whether a header is meant to authenticate a server. */
export function isXMatrix(header: string): boolean {
  return SCHEME.test(header);
}

/**
 * Reads a header; undefined when it is malformed or lacks what a signature needs. Unknown parameters are passed over.
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export function parseXMatrix(header: string): XMatrixCredentials | undefined {
  const list = header.replace(SCHEME, '');
  const parameters = list === header ? undefined : parseParameters(list);
  const origin = parameters?.get('origin');
  const destination = parameters?.get('destination');
  const key = parameters?.get('key');
  // The specification's text says `signature` where its examples, and all servers, say `sig`.
  const signature = parameters?.get('sig') ?? parameters?.get('signature');
  if (origin === undefined || key === undefined || signature === undefined) return undefined;
  return { origin, key, signature, ...(destination !== undefined && { destination }) };
}

function parseParameters(list: string): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  let at = skipCommas(list, 0);
  while (at < list.length) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(list);
    if (match === null) return undefined;
    const [, name = '', quoted, token = ''] = match;
    if (parameters.has(name.toLowerCase())) return undefined;
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token);
    at = skipCommas(list, PARAMETER.lastIndex);
    if (at === PARAMETER.lastIndex && at < list.length) return undefined;
  }
  return parameters;
}

function skipCommas(list: string, at: number): number {
  COMMAS.lastIndex = at;
  return COMMAS.test(list) ? COMMAS.lastIndex : at;
}
