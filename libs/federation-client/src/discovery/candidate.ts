/**
 * One place where a server may answer.
 * @see https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names
 */
export interface Candidate {
  /** A host name or an IP address without brackets, to connect to. */
  readonly host: string;
  readonly port: number;
  /** The `Host` header of requests. */
  readonly hostHeader: string;
  /** What the certificate must be valid for: a host name, or an IP address without brackets. */
  readonly tlsServerName: string;
}
