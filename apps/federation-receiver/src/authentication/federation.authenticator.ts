import { type Authenticator, AuthenticatorFor } from '@atoll/http';
import { type JsonValue, MatrixError, type ServerName } from '@atoll/matrix';
import type { FastifyRequest } from 'fastify';
import { ReachablePeers } from './reachable-peers.js';
import { RequestSignatures } from './request-signatures.js';
import { isXMatrix, parseXMatrix } from './x-matrix-header.js';

/** Who makes a request: what `@Requester()` gives to routes that declare `@FederationSignature()`. */
export interface FederationRequester {
  readonly origin: ServerName;
}

/** A server that changes its keys signs with both; each signature costs a verification. */
const MAX_HEADERS = 4;

/** Lets requests in that another server has signed for this one. */
@AuthenticatorFor('federationSignature')
export class FederationAuthenticator implements Authenticator {
  constructor(
    private readonly signatures: RequestSignatures,
    private readonly peers: ReachablePeers,
  ) {}

  /** @throws {MatrixError} 401 `M_UNAUTHORIZED` */
  async authenticate(request: FastifyRequest): Promise<FederationRequester> {
    const headers = (request.raw.headersDistinct['authorization'] ?? []).filter(isXMatrix);
    if (headers.length === 0) throw unauthorized('The request is not signed');
    if (headers.length > MAX_HEADERS) throw unauthorized('The request has too many signatures');
    const signed = {
      method: request.method,
      uri: request.originalUrl,
      content: request.body as JsonValue | undefined,
    };
    for (const header of headers) {
      const credentials = parseXMatrix(header);
      if (credentials === undefined) throw unauthorized('The Authorization header is malformed');
      if (this.signatures.isForAnother(credentials)) throw unauthorized('The request is for another server');
      const origin = await this.signatures.origin(signed, credentials);
      if (origin === undefined) continue;
      this.peers.heardFrom(origin);
      return { origin };
    }
    throw unauthorized('The signature cannot be verified');
  }
}

const unauthorized = (message: string) => new MatrixError(401, 'M_UNAUTHORIZED', message);
