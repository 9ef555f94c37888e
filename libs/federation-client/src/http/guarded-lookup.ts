import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { DnsResolver } from '../addresses/dns-resolver.js';
import type { IpDenylist } from '../addresses/ip-denylist.js';
import { OutboundError } from './outbound-error.js';

/**
 * The one look-up of a connection: the socket connects to what was checked here, so that a name which answers
 * differently the second time gains nothing.
 */
export function guardedLookup(dns: Pick<DnsResolver, 'addresses'>, denylist: IpDenylist): LookupFunction {
  return (hostname, options, callback) => {
    allowedAddresses(hostname, dns, denylist).then(
      ([first, ...rest]) => {
        if (options.all === true) callback(null, [first, ...rest]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => {
        callback(error as Error, []);
      },
    );
  };
}

/** @throws {OutboundError} `unresolvable` or `denied` */
async function allowedAddresses(
  hostname: string,
  dns: Pick<DnsResolver, 'addresses'>,
  denylist: IpDenylist,
): Promise<[LookupAddress, ...LookupAddress[]]> {
  const answers = await dns.addresses(hostname).catch((error: unknown) => {
    throw new OutboundError('unresolvable', false, error);
  });
  const addresses = answers.filter((address) => isIP(address) !== 0);
  if (addresses.length === 0) throw new OutboundError('unresolvable', false);
  const [first, ...rest] = addresses
    .filter((address) => !denylist.denies(address))
    .map((address) => ({ address, family: isIP(address) }));
  if (first === undefined) throw new OutboundError('denied', false);
  return [first, ...rest];
}
