import ipaddr from 'ipaddr.js';
import { embeddedIpv4 } from './embedded-ipv4.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

/** Addresses that outbound connections must not reach. */
export class IpDenylist {
  readonly #ranges: readonly Range[];

  /**
   * @param ranges CIDR ranges or single addresses, as `ipDenylist` of `@atoll/config` holds them; none allows everything
   * @throws Error for what is no range
   */
  constructor(ranges: readonly string[]) {
    this.#ranges = ranges.map(parseRange);
  }

  /** Also true when an IPv6 address leads to a denied IPv4 address, and for what is no address at all. */
  denies(address: string): boolean {
    if (this.#ranges.length === 0) return false;
    if (!ipaddr.isValid(address)) return true;
    const parsed = ipaddr.parse(address);
    const forms = isIpv6(parsed) ? [parsed, ...embeddedIpv4(parsed)] : [parsed];
    return forms.some((form) => this.#ranges.some((range) => lies(form, range)));
  }
}

function parseRange(text: string): Range {
  const [address, bits] = text.includes('/') ? ipaddr.parseCIDR(text) : whole(ipaddr.parse(text));
  const isMapped = isIpv6(address) && address.isIPv4MappedAddress() && bits >= 96;
  return isMapped ? [address.toIPv4Address(), bits - 96] : [address, bits];
}

const whole = (address: Address): Range => [address, isIpv6(address) ? 128 : 32];

const isIpv6 = (address: Address): address is ipaddr.IPv6 => address.kind() === 'ipv6';

const lies = (address: Address, [range, bits]: Range) =>
  address.kind() === range.kind() && address.match(range, bits);
