import type { FederationClient, SendResult } from '@atoll/federation-client';
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  MatrixError,
  overloaded,
  type RoomEvent,
  tooLarge,
} from '@atoll/matrix';
import {
  checkEventSize,
  isSignedByPolicyServer,
  POLICY_KEY_ID,
  type PolicyServer,
  type RoomVersionRules,
  withPolicySignature,
} from '@atoll/room-rules';
import type { ReceivedEvent } from '@atoll/server-keys';
import { counter } from '@atoll/telemetry';
import type { RequestSlots } from '../missing-events/request-slots.js';

const PATH = '/_matrix/policy/v1/sign';
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const RETRY_AFTER_MS = 1_000;

const questions = counter('atoll_policy_questions_total', 'Questions to policy servers by their outcome');

/** Asks policy servers to recommend events. */
export class PolicyQuestions {
  constructor(
    private readonly federation: FederationClient,
    private readonly slots: RequestSlots,
  ) {}

  /**
   * The event with the policy server's signature beside those that it has. Never to be awaited in a room's turn.
   * @param deadline ms since 1970
   * @throws MatrixError what the policy server refused it with; 502 or 504 when it gave no valid signature; `M_TOO_LARGE`
   * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixpolicyv1sign
   */
  async signed(
    { event, exact }: ReceivedEvent,
    server: PolicyServer,
    rules: RoomVersionRules,
    deadline: number,
  ): Promise<ReceivedEvent> {
    const result = await this.slots.run(server.name, () => {
      const left = deadline - Date.now();
      if (left <= 0) throw overloaded(RETRY_AFTER_MS);
      return this.federation.send(server.name, 'POST', PATH, exact as JsonObject, {
        timeoutMs: Math.min(left, TIMEOUT_MS),
        maxBytes: MAX_ANSWER_BYTES,
      });
    });
    questions.add(1, { outcome: result.outcome });
    const signature = signatureIn(answerOf(result), server);
    const pdu = signature === undefined ? exact : withPolicySignature(exact, server, signature);
    if (!(await isSignedByPolicyServer(pdu, server, rules))) {
      throw new MatrixError(502, 'M_UNKNOWN', `The policy server ${server.name} did not sign the event`);
    }
    const sizeProblem = checkEventSize(pdu);
    if (sizeProblem !== undefined) throw tooLarge(sizeProblem);
    return withSignatures(event, pdu);
  }
}

function withSignatures(event: RoomEvent, exact: ReceivedEvent['exact']): ReceivedEvent {
  return { event: { ...event, pdu: { ...event.pdu, signatures: exact.signatures } }, exact };
}

function signatureIn(answer: JsonValue, { name }: PolicyServer): string | undefined {
  const ofServer = isJsonObject(answer) && Object.hasOwn(answer, name) ? answer[name] : undefined;
  const signature = isJsonObject(ofServer) ? ofServer[POLICY_KEY_ID] : undefined;
  return typeof signature === 'string' ? signature : undefined;
}

/** Statuses with which a policy server says something about the event or the sender; any other is its own trouble. */
const PASSED_ON = [400, 403, 404, 413, 429];
/** What clients take for the end of their session, which is not a policy server's to say. */
const ABOUT_SESSIONS = ['M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN', 'M_USER_DEACTIVATED', 'M_USER_LOCKED'];

/** @throws MatrixError word for word what clients may see */
function answerOf(result: SendResult): JsonValue {
  switch (result.outcome) {
    case 'answered':
      return result.body;
    case 'failed':
      throw result.error;
    case 'refused': {
      const { errcode, error, ...extra } = result.body;
      const message = typeof error === 'string' ? error : 'The policy server refused the event';
      const passes = PASSED_ON.includes(result.status) && !ABOUT_SESSIONS.includes(result.errcode);
      throw passes
        ? new MatrixError(result.status, result.errcode, message, extra)
        : new MatrixError(502, 'M_UNKNOWN', message);
    }
  }
}
