import { type Database, UiaSessionReader, UiaSessionTransactor } from '@atoll/database';
import type { JsonObject, JsonValue } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { DATABASE } from '../../platform/tokens.js';
import { RateLimiter } from '../rate-limiter.js';
import { newSecretToken } from '../secret-token.js';
import { textSchema } from '../text.schema.js';
import { AuthenticationChallenge } from './authentication-challenge.js';
import { PasswordStage } from './password.stage.js';
import { RegistrationTokenStage } from './registration-token.stage.js';
import { type AuthenticationSubject, type Stage, StageRefused, type StageName, stageNames } from './stage.js';

const SESSION_LIFETIME_MS = 15 * 60_000;

/** The `auth` key of a request body. */
export const authSchema = z
  .looseObject({ type: z.string().optional(), session: textSchema(64).optional() })
  .optional();

export interface ProtectedRequest extends AuthenticationSubject {
  /** What a session authorises: the endpoint and its target. Sessions of one operation are unknown to others. */
  readonly operation: string;
  readonly flows: readonly (readonly StageName[])[];
  readonly auth: z.output<typeof authSchema>;
}

type Completed = Partial<Record<StageName, JsonValue>>;

/** The user-interactive authentication API; sessions lie in PostgreSQL, so that any instance may go on with one. */
@Injectable()
export class UserInteractiveAuth {
  private readonly stages: Readonly<Record<StageName, Stage>>;

  constructor(
    private readonly sessions: UiaSessionReader,
    @Inject(DATABASE) private readonly database: Database,
    private readonly rateLimiter: RateLimiter,
    passwordStage: PasswordStage,
    registrationTokenStage: RegistrationTokenStage,
  ) {
    this.stages = {
      'm.login.dummy': { attempt: () => Promise.resolve(true) },
      'm.login.password': passwordStage,
      'm.login.registration_token': registrationTokenStage,
    };
  }

  /**
   * Resolves, with what the stages proved, once the request completes a flow; the session ends with it.
   * @throws AuthenticationChallenge 401 until then
   * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
   */
  async require(request: ProtectedRequest): Promise<Completed> {
    const { auth, operation } = request;
    if (auth === undefined || (auth.type === undefined && auth.session === undefined)) {
      throw await this.challenge(request, {});
    }
    const session = auth.session;
    const earlier = session === undefined ? {} : await this.sessions.completedStages(session, operation);
    if (earlier === undefined) {
      throw await this.challenge(
        { ...request, auth: {} },
        {},
        new StageRefused('M_FORBIDDEN', 'Unknown session'),
      );
    }
    const completed = await this.attempt(request, earlier);
    if (!request.flows.some((flow) => flow.every((stage) => stage in completed))) {
      throw await this.challenge(request, completed);
    }
    if (session !== undefined) await this.transact((sessions) => sessions.close(session));
    return completed;
  }

  private async attempt(request: ProtectedRequest, completed: Completed): Promise<Completed> {
    const { auth = {}, flows } = request;
    const name = stageNames.find((stage) => stage === auth.type);
    if (auth.type === undefined || (name && name in completed)) return completed;
    if (!name || !flows.some((flow) => flow.includes(name))) {
      throw await this.challenge(
        request,
        completed,
        new StageRefused('M_UNRECOGNIZED', 'Not a stage of any flow'),
      );
    }
    try {
      return { ...completed, [name]: await this.stages[name].attempt(auth as JsonObject, request) };
    } catch (error) {
      throw error instanceof StageRefused ? await this.challenge(request, completed, error) : error;
    }
  }

  /** Opens a session where there is none, keeps what is complete, and says what is missing. */
  private async challenge(
    { auth, operation, flows, ip }: ProtectedRequest,
    completed: Completed,
    refusal?: StageRefused,
  ): Promise<AuthenticationChallenge> {
    let session = auth?.session;
    const stages = Object.keys(completed);
    if (session === undefined) await this.rateLimiter.take('challenge-address', ip);
    await this.transact(async (sessions) => {
      if (session === undefined)
        await sessions.open((session = newSecretToken()), operation, SESSION_LIFETIME_MS);
      if (stages.length > 0) await sessions.recordCompleted(session, completed);
    });
    const body = {
      flows: flows.map((flow) => ({ stages: [...flow] })),
      params: {},
      session,
      ...(stages.length > 0 && { completed: stages }),
    };
    return new AuthenticationChallenge(body, refusal && { errcode: refusal.errcode, error: refusal.message });
  }

  private transact(work: (sessions: UiaSessionTransactor) => Promise<void>): Promise<void> {
    return this.database.db.transaction().execute((trx) => work(new UiaSessionTransactor(trx)));
  }
}
