import { isIP, isIPv6 } from 'node:net';
import { checkServerIdentity, TLSSocket, type SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import type { DnsResolver } from '../addresses/dns-resolver.js';
import type { IpDenylist } from '../addresses/ip-denylist.js';
import type { Candidate } from '../discovery/candidate.js';
import { connectError } from './classify-error.js';
import { guardedLookup } from './guarded-lookup.js';
import { OutboundError } from './outbound-error.js';

/** What a handshake settled. */
export interface Handshake {
  /** For example `TLSv1.3`. */
  readonly protocol: string;
  /** The group of the key exchange, for example `X25519MLKEM768`; `unknown` when it is not told. */
  readonly group: string;
}

export interface ConnectorOptions {
  readonly dns: Pick<DnsResolver, 'addresses'>;
  readonly denylist: IpDenylist;
  readonly secureContext: SecureContext;
  readonly connectTimeoutMs: number;
  readonly onHandshake?: ((handshake: Handshake) => void) | undefined;
}

/** How long one of several addresses may take before the next is tried; the last has the whole time-out. */
const ATTEMPT_TIMEOUT_MS = 500;

/**
 * Connects to one candidate only, whatever undici believes to be the origin: undici's URLs would turn a host name such
 * as `2130706433` into an address that no look-up has checked.
 */
export function guardedConnector(target: Candidate, options: ConnectorOptions): buildConnector.connector {
  const { denylist, onHandshake } = options;
  const connect = buildConnector({
    allowH2: false,
    timeout: options.connectTimeoutMs,
    secureContext: options.secureContext,
    lookup: guardedLookup(options.dns, denylist),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(target.tlsServerName, certificate),
  });
  return (request, callback) => {
    if (isIP(target.host) !== 0 && denylist.denies(target.host)) {
      callback(new OutboundError('denied', false), null);
      return;
    }
    connect({ ...request, ...socketAddress(target) }, (...[error, socket]) => {
      if (error !== null) {
        callback(connectError(error), null);
      } else if (denylist.denies(socket.remoteAddress ?? '')) {
        socket.destroy();
        callback(new OutboundError('denied', false), null);
      } else {
        if (socket instanceof TLSSocket) onHandshake?.(handshakeOf(socket));
        callback(null, socket);
      }
    });
  };
}

/** An address is never sent as a server name (RFC 6066); undici takes the name from `host` then, and finds none. */
function socketAddress({ host, port, tlsServerName }: Candidate) {
  const isAddress = isIP(tlsServerName) !== 0;
  return {
    protocol: 'https:',
    hostname: host,
    host: isIPv6(tlsServerName) ? `[${tlsServerName}]` : tlsServerName,
    port: String(port),
    servername: isAddress ? '' : tlsServerName,
  };
}

function handshakeOf(socket: TLSSocket): Handshake {
  const key = socket.getEphemeralKeyInfo();
  const group = key !== null && 'name' in key && typeof key.name === 'string' ? key.name : 'unknown';
  return { protocol: socket.getProtocol() ?? 'unknown', group };
}
