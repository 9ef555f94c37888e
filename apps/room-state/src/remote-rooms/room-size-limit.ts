import type { FederationClient } from '@atoll/federation-client';
import { isJsonObject, resourceLimit, type RoomId, type ServerName } from '@atoll/matrix';

const TIMEOUT_MS = 5_000;
/** Of state events: what the unit of the servers' answer stands for. */
const STATE_PER_UNIT = 500;

/** How large the rooms of other servers may be that users of this server join. */
export class RoomSizeLimit {
  /** @param maxState state events; undefined for no limit */
  constructor(
    private readonly federation: Pick<FederationClient, 'send'>,
    private readonly maxState: number | undefined,
  ) {}

  /**
   * Asks a server in the room, before it hears of a join. Not every server answers, and none does about rooms that are not public: then
   * the state shows it, when it comes.
   * @throws MatrixError 403 `M_RESOURCE_LIMIT_EXCEEDED`
   */
  async ask(server: ServerName, roomId: RoomId): Promise<void> {
    if (this.maxState === undefined) return;
    const path = `/_matrix/federation/unstable/rooms/${encodeURIComponent(roomId)}/complexity`;
    const answer = await this.federation.send(server, 'GET', path, undefined, { timeoutMs: TIMEOUT_MS });
    const units = answer.outcome === 'answered' && isJsonObject(answer.body) ? answer.body['v1'] : undefined;
    if (typeof units === 'number') this.assertFits(Math.round(units * STATE_PER_UNIT));
  }

  /** @throws MatrixError 403 `M_RESOURCE_LIMIT_EXCEEDED` */
  assertFits(stateEvents: number): void {
    if (this.maxState !== undefined && stateEvents > this.maxState) {
      throw resourceLimit('This room is too large for this server');
    }
  }
}
