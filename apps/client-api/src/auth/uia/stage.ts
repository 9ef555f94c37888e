import type { JsonObject, JsonValue, UserId } from '@atoll/matrix';

export const stageNames = ['m.login.dummy', 'm.login.password', 'm.login.registration_token'] as const;
export type StageName = (typeof stageNames)[number];

/** The endpoint's side of one attempt to authenticate. */
export interface AuthenticationSubject {
  /** Whose account is acted on; absent for registration. */
  readonly userId?: UserId;
  readonly ip: string;
}

/** One way to authenticate. */
export interface Stage {
  /**
   * Resolves with what was proved, kept until all stages of a flow are complete.
   * @throws StageRefused when the client may try again; MatrixError when the whole request is refused
   */
  attempt(auth: JsonObject, subject: AuthenticationSubject): Promise<JsonValue>;
}

/** The attempt failed; the client may make another. */
export class StageRefused extends Error {
  override readonly name = 'StageRefused';

  constructor(
    readonly errcode: string,
    message: string,
  ) {
    super(message);
  }
}
