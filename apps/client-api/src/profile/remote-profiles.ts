import { type JsonObject, serverNameOf, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { RemoteQuery } from '../federation/remote-query.js';
import { isFieldName, isMemberField } from './profile-field.js';

/** Twice what a profile may have, for white space and escapes. */
const MAX_ANSWER_BYTES = 131_072;

/** Profiles of users of other servers, as those tell them. */
@Injectable()
export class RemoteProfiles {
  constructor(private readonly remote: RemoteQuery) {}

  /**
   * The fields that the user's server tells, or one of them; undefined when it knows no such user. What is null there is not set.
   * @throws MatrixError 403, 502, 503 or 504 as `RemoteQuery` says
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile
   */
  async fieldsOf(userId: UserId, field?: string): Promise<JsonObject | undefined> {
    const parameters = new URLSearchParams({ user_id: userId, ...(field !== undefined && { field }) });
    const path = `/_matrix/federation/v1/query/profile?${parameters.toString()}`;
    const answer = await this.remote.ask(serverNameOf(userId), { path, maxBytes: MAX_ANSWER_BYTES });
    if (answer === undefined) return undefined;
    return Object.fromEntries(
      Object.entries(answer).filter(
        ([name, value]) =>
          isFieldName(name) && value !== null && (!isMemberField(name) || typeof value === 'string'),
      ),
    );
  }
}
