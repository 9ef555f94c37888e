import { type JsonObject, MatrixError } from '@atoll/matrix';

/**
 * 401 with the flows that authorise the request; an `errcode` stands in it only when an attempt has failed.
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-api-in-the-rest-api
 */
export class AuthenticationChallenge extends MatrixError {
  constructor(
    private readonly challenge: JsonObject,
    private readonly failure?: { readonly errcode: string; readonly error: string },
  ) {
    super(401, failure?.errcode ?? 'M_UNAUTHORIZED', failure?.error ?? 'Authentication is needed');
  }

  override body(): JsonObject {
    return { ...this.challenge, ...this.failure };
  }
}
