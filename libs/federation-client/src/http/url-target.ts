import type { Candidate } from '../discovery/candidate.js';
import { OutboundError } from './outbound-error.js';

/**
 * Where an `https:` URL leads.
 * @throws {OutboundError} `protocol` for any other scheme
 */
export function urlTarget(url: URL): Candidate {
  if (url.protocol !== 'https:') throw new OutboundError('protocol', false);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    host,
    port: url.port === '' ? 443 : Number(url.port),
    hostHeader: url.host,
    tlsServerName: host,
  };
}

/**
 * Where a redirect leads; undefined when the answer is none.
 * @throws {OutboundError} `protocol` when it leads nowhere
 */
export function redirectTarget(status: number, location: string | undefined, base: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  const target = location === undefined ? null : URL.parse(location, base.href);
  if (target === null) throw new OutboundError('protocol', true);
  target.hash = '';
  return target;
}
