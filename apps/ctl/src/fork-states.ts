import {
  AuthChainReader,
  type Database,
  EVENT_STATUS,
  EventReader,
  EventStateReader,
  StateReader,
  type StoredEvent,
} from '@atoll/database';
import { type EventId, prevEventIds, type RoomEvent } from '@atoll/matrix';
import {
  type ExplainedKey,
  explainResolution,
  type RoomVersionRules,
  stateKey,
  type StateKey,
  type StateMap,
} from '@atoll/room-rules';

/** A state that took part in a resolution, and where it is from. */
export interface Branch {
  readonly name: string;
  readonly state: StateMap;
}

/** Each round loads what the round before asked for in vain. */
const MAX_ROUNDS = 20;

/** The states that met at an event, as they are recorded. */
export class ForkStates {
  private readonly events: EventReader;
  private readonly chains: AuthChainReader;

  constructor(private readonly database: Database) {
    this.events = new EventReader(database);
    this.chains = new AuthChainReader(database);
  }

  /** The states after the predecessors of an event, as far as they are known. */
  async beforeEvent({ pdu }: StoredEvent): Promise<Branch[]> {
    const prev = await this.events.byIds(prevEventIds(pdu));
    const branches = await Promise.all(Array.from(prev.values(), (one) => this.after(one)));
    return branches.flatMap((branch) => branch ?? []);
  }

  /** The state of the room just before an event came, and that after the event: what came of them is the room's state since. */
  async aroundEvent(event: StoredEvent): Promise<Branch[]> {
    const after = await this.after(event);
    if (!after || event.position === null || event.position <= 0) return [];
    const entries = await new StateReader(this.database).stateAt(event.roomNid, event.position - 1);
    return [{ name: 'the room before it', state: toMap(entries) }, after];
  }

  /** What `explainResolution` says of the branches, with all events at hand that it looks at. */
  async explain(branches: readonly Branch[], rules: RoomVersionRules): Promise<readonly ExplainedKey[]> {
    const known = new Map<EventId, RoomEvent>();
    const states = branches.map(({ state }) => state);
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const missed = new Set<EventId>();
      const get = (id: EventId) => {
        const event = known.get(id);
        if (!event) missed.add(id);
        return event;
      };
      const { keys } = explainResolution(states, { get }, rules);
      const before = known.size;
      await this.load(missed, known);
      if (known.size === before) return keys;
    }
    throw new Error('The resolution kept asking for more events');
  }

  private async after(event: StoredEvent): Promise<Branch | undefined> {
    const before = await new EventStateReader(this.database).before(event.eventNid);
    if (!before) return undefined;
    const state = toMap(before);
    const { eventId, pdu } = event;
    if (pdu.state_key !== undefined && !isRejected(event)) {
      state.set(stateKey(pdu.type, pdu.state_key), eventId);
    }
    return { name: `after ${eventId}`, state };
  }

  private async load(ids: ReadonlySet<EventId>, known: Map<EventId, RoomEvent>): Promise<void> {
    const found = await this.events.byIds([...ids]);
    const nids = Array.from(found.values(), ({ eventNid }) => eventNid);
    const chain = await this.events.byNids(await this.chains.full(nids));
    for (const event of [...found.values(), ...chain.values()]) {
      const { eventId, roomId, pdu } = event;
      known.set(eventId, { eventId, roomId, pdu, rejected: isRejected(event) });
    }
  }
}

function isRejected({ status }: StoredEvent): boolean {
  return status === EVENT_STATUS.rejected || status === EVENT_STATUS.rejectedOutlier;
}

function toMap(
  held: readonly { readonly type: string; readonly stateKey: string; readonly eventId: EventId }[],
): Map<StateKey, EventId> {
  return new Map(held.map(({ type, stateKey: key, eventId }) => [stateKey(type, key), eventId]));
}
