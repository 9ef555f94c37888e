import { MatrixError, type RoomId } from '@atoll/matrix';
import type { ReceivedEvent } from '@atoll/server-keys';
import type { RoomCommands } from '../room-actor/room-commands.js';
import type { PolicyQuestions } from './policy-questions.js';
import { policyRoom, type PolicyServers } from './policy-servers.js';

/** For all events that are given together: a policy server that is slow holds up its room no longer. */
const ASK_MS = 10_000;
const AT_ONCE = 8;

/** Brings the signatures that events of other servers lack. */
export class PolicySignatures {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly policies: PolicyServers,
    private readonly questions: PolicyQuestions,
  ) {}

  /**
   * The same events in the same order, with the policy server's signature as far as they need it and it gives it: it is asked once about
   * each, and about no more once it does not answer. Whether an event has it counts when the event is judged: `PduAcceptance`.
   * @throws NotOwner
   */
  async complete<Received extends ReceivedEvent>(
    roomId: RoomId,
    received: readonly Received[],
  ): Promise<readonly Received[]> {
    const deadline = Date.now() + ASK_MS;
    const room = received.length > 0 ? await this.rooms.look(roomId, deadline, policyRoom) : undefined;
    const server = room && (await this.policies.named(room));
    if (!server) return received;
    const unsigned: Received[] = [];
    for (const one of received) {
      if (await this.policies.isUnsigned(one.exact, server, room.rules)) unsigned.push(one);
    }
    if (unsigned.length === 0 || !(await this.policies.isHere(server, room))) return received;
    const signed = new Map<Received, ReceivedEvent>();
    const askOn = async () => {
      for (let one = unsigned.pop(); one; one = unsigned.pop()) {
        try {
          signed.set(one, await this.questions.signed(one, server, room.rules, deadline));
        } catch (error) {
          if (!(error instanceof MatrixError)) throw error;
          if (error.status >= 500) unsigned.length = 0;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, askOn));
    return received.map((one) => ({ ...one, ...signed.get(one) }));
  }

  /** The same for one event. */
  async completeOne(roomId: RoomId, received: ReceivedEvent): Promise<ReceivedEvent> {
    const [completed] = await this.complete(roomId, [received]);
    return completed ?? received;
  }
}
