import { randomBytes } from 'node:crypto';
import { parseSigningKey } from '@atoll/event-crypto';
import type { FederationClient } from '@atoll/federation-client';
import { type JsonObject, MatrixError, type Pdu, type ServerName } from '@atoll/matrix';
import { type RoomVersionRules, signEvent } from '@atoll/room-rules';
import { HS2 } from '../remote-server.spec-support.js';

type Result = Awaited<ReturnType<FederationClient['send']>>;

export const SILENCE: Result = {
  outcome: 'failed',
  kind: 'timeout',
  error: new MatrixError(504, 'M_UNKNOWN', 'no answer'),
};

export const answered = (body: JsonObject): Result => ({ outcome: 'answered', status: 200, body });

export const refused = (status: number, body: JsonObject & { errcode: string }): Result => ({
  outcome: 'refused',
  status,
  errcode: body.errcode,
  body,
});

/** A network in which `hs2` is a policy server, with a key of its own for that. */
export class PolicyNetwork {
  readonly key = parseSigningKey(
    `ed25519 policy_server ${randomBytes(32).toString('base64').replace('=', '')}`,
  );
  readonly content = { via: HS2, public_keys: { ed25519: this.key.publicKey } };
  /** Events that the policy server was asked about. */
  readonly asked: Pdu[] = [];
  /** All requests, in their order: `server path`. */
  readonly requests: string[] = [];
  /** What it answers instead of its signature. */
  verdict: (pdu: Pdu) => Result | undefined | Promise<Result | undefined> = () => undefined;
  /** What other endpoints answer. */
  others: (server: ServerName, path: string, content: JsonObject) => Result | Promise<Result> = () => SILENCE;

  constructor(private readonly rules: RoomVersionRules) {}

  readonly send: FederationClient['send'] = async (server, method, path, content) => {
    this.requests.push(`${server} ${path.split('/').slice(1, 5).join('/')}`);
    if (path !== '/_matrix/policy/v1/sign') return this.others(server, path, content as JsonObject);
    if (server !== HS2 || method !== 'POST') return SILENCE;
    const pdu = content as Pdu;
    this.asked.push(pdu);
    return (await this.verdict(pdu)) ?? answered(await this.signatureOf(pdu));
  };

  async signatureOf(pdu: Pdu): Promise<JsonObject> {
    const { signatures } = await signEvent({ ...pdu, signatures: {} }, this.rules, HS2, this.key);
    return { [HS2]: signatures[HS2] ?? {} };
  }

  reset(): void {
    this.asked.length = 0;
    this.requests.length = 0;
    this.verdict = () => undefined;
    this.others = () => SILENCE;
  }
}
