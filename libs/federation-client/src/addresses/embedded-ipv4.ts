import ipaddr from 'ipaddr.js';

/** An IPv6 prefix below which an IPv4 address stands, and where. */
interface Embedding {
  readonly prefix: [ipaddr.IPv6, number];
  readonly offset: number;
  /** Teredo writes the client's address with every bit inverted. */
  readonly inverted?: boolean;
}

const embedding = (cidr: string, offset: number, inverted = false): Embedding => ({
  prefix: ipaddr.IPv6.parseCIDR(cidr),
  offset,
  inverted,
});

const EMBEDDINGS: readonly Embedding[] = [
  embedding('::/96', 12), // IPv4-compatible, RFC 4291
  embedding('::ffff:0:0/96', 12), // IPv4-mapped, RFC 4291
  embedding('::ffff:0:0:0/96', 12), // IPv4-translated, RFC 2765
  embedding('64:ff9b::/96', 12), // NAT64, RFC 6052
  embedding('64:ff9b:1::/96', 12), // NAT64 for local use, RFC 8215
  embedding('2002::/16', 2), // 6to4, RFC 3056
  embedding('2001::/32', 4), // the server of Teredo, RFC 4380
  embedding('2001::/32', 12, true), // the client of Teredo
];

/** What ISATAP (RFC 5214) puts before the address, whatever the network's prefix. */
const ISATAP = [0x5e, 0xfe];

/** The IPv4 addresses that packets to an IPv6 address may end up at, through translators and tunnels. */
export function embeddedIpv4(address: ipaddr.IPv6): ipaddr.IPv4[] {
  const bytes = address.toByteArray();
  const found = EMBEDDINGS.filter(({ prefix }) => address.match(prefix)).map(({ offset, inverted }) => {
    const octets = bytes.slice(offset, offset + 4);
    return new ipaddr.IPv4(inverted ? octets.map((octet) => octet ^ 0xff) : octets);
  });
  if (bytes[10] === ISATAP[0] && bytes[11] === ISATAP[1]) found.push(new ipaddr.IPv4(bytes.slice(12)));
  return found;
}
