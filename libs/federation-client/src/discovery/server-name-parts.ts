import { isIPv4, isIPv6 } from 'node:net';
import { isServerName } from '@atoll/matrix';

export interface ServerNameParts {
  /** The whole name as it came: what the `Host` header says. */
  readonly name: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number | undefined;
  readonly isIpLiteral: boolean;
}

const PARTS = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/;
/** `127.1`, `2130706433` and `0x7f000001` are addresses to some resolvers; no top-level domain is a number. */
const NUMERIC_END = /(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$/i;

/**
 * A server name taken apart.
 * @returns undefined for what is no server name, or has a port that does not exist
 * @see https://spec.matrix.org/v1.19/appendices/#server-name
 */
export function splitServerName(name: string): ServerNameParts | undefined {
  const [, v6, other, portText] = isServerName(name) ? (PARTS.exec(name) ?? []) : [];
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  if (v6 !== undefined) return isIPv6(v6) ? { name, host: v6, port, isIpLiteral: true } : undefined;
  if (other === undefined) return undefined;
  if (isIPv4(other)) return { name, host: other, port, isIpLiteral: true };
  return NUMERIC_END.test(other) ? undefined : { name, host: other, port, isIpLiteral: false };
}
