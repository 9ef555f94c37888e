import { generateSigningKey, type SigningKey } from '@atoll/event-crypto';
import type { FederationClient } from '@atoll/federation-client';
import {
  type EventId,
  type JsonObject,
  MatrixError,
  type RoomEvent,
  type ServerName,
  type UserId,
} from '@atoll/matrix';
import { buildEvent, type EventDraft, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import type { TestRoomState } from '../test-room-state.spec-support.js';

const RULES = rulesOf('12') as RoomVersionRules;
const CREATOR = '@creator:s0' as UserId;

/** `guestAccess` absent: the room has no such event. */
export interface LargeRoomOptions {
  readonly members: number;
  readonly servers: number;
  readonly guestAccess?: string;
}

/**
 * A room with many members of many servers, who have each joined and then changed their names: half of its events are state, half of them
 * authority alone. Its events are signed in truth; what answers for its server is {@link federation}.
 */
export class LargeRoom {
  readonly state: RoomEvent[] = [];
  readonly authChain: RoomEvent[] = [];
  private readonly keys: readonly SigningKey[];
  private last: RoomEvent | undefined;
  private depth = 0;
  private answer = Buffer.alloc(0);

  private constructor(servers: number) {
    this.keys = Array.from({ length: servers }, () => generateSigningKey());
  }

  static async make({ members, servers, guestAccess }: LargeRoomOptions): Promise<LargeRoom> {
    const room = new LargeRoom(servers);
    await room.begin();
    if (guestAccess !== undefined) await room.setGuestAccess(guestAccess);
    for (let n = 0; n < members; n += 1) await room.addMember(n);
    const [state, auth_chain] = [room.state, room.authChain].map((events) => events.map(({ pdu }) => pdu));
    room.answer = Buffer.from(JSON.stringify({ origin: 's0', state, auth_chain }));
    return room;
  }

  get roomId() {
    return this.create.roomId;
  }

  /** Lets a service know the keys of the servers. */
  async publishKeys(service: TestRoomState): Promise<void> {
    const now = Date.now();
    const rows = this.keys.map(({ keyId, publicKey }, n) => ({
      server_name: `s${n}` as ServerName,
      key_id: keyId,
      public_key: publicKey,
      valid_until_ts: now + 3_600_000,
      expired_ts: null,
      fetched_ts: now,
    }));
    await service.database.db.insertInto('server_keys').values(rows).execute();
  }

  /** The server `s0` as it is asked for a join. */
  readonly federation: Pick<FederationClient, 'send' | 'sendForBytes'> = {
    send: (_server, _method, path) => {
      const [, , , , endpoint, , user = ''] = path.split('?')[0]?.split('/') ?? [];
      if (endpoint !== 'make_join') return Promise.resolve(UNREACHABLE);
      return Promise.resolve({
        outcome: 'answered',
        status: 200,
        body: this.template(decodeURIComponent(user)),
      });
    },
    // A copy: who asks may give it away.
    sendForBytes: () => Promise.resolve({ outcome: 'answered', status: 200, body: Buffer.from(this.answer) }),
  };

  private get create(): RoomEvent {
    const [create] = this.state;
    if (!create) throw new Error('the room has no create event');
    return create;
  }

  private template(user: string) {
    const draft = this.draft(user as UserId, 'm.room.member', { membership: 'join' }, this.rulesIds(), user);
    return { room_version: RULES.version, event: draft as unknown as JsonObject };
  }

  private async begin(): Promise<void> {
    await this.add(CREATOR, 'm.room.create', { room_version: RULES.version }, []);
    const { eventId: member } = await this.add(CREATOR, 'm.room.member', { membership: 'join' }, [], CREATOR);
    const { eventId: levels } = await this.add(CREATOR, 'm.room.power_levels', {}, [member]);
    await this.add(CREATOR, 'm.room.join_rules', { join_rule: 'public' }, [member, levels]);
  }

  private async setGuestAccess(value: string): Promise<void> {
    const [, member, levels] = this.state.map(({ eventId }) => eventId);
    await this.add(
      CREATOR,
      'm.room.guest_access',
      { guest_access: value },
      [member, levels].flatMap((id) => id ?? []),
    );
  }

  private async addMember(n: number): Promise<void> {
    const user = `@user${n}:s${n % this.keys.length}` as UserId;
    const content = {
      membership: 'join',
      displayname: `User ${n}`,
      avatar_url: `mxc://s${n % this.keys.length}/${'x'.repeat(200)}`,
    };
    const first = await this.add(user, 'm.room.member', content, this.rulesIds(), user, this.authChain);
    const renamed = { ...content, displayname: `User ${n} again` };
    await this.add(user, 'm.room.member', renamed, [...this.rulesIds(), first.eventId], user);
  }

  private rulesIds(): EventId[] {
    return this.state.slice(2, 4).map(({ eventId }) => eventId);
  }

  private draft(
    sender: UserId,
    type: string,
    content: JsonObject,
    auth: readonly EventId[],
    key: string,
  ): EventDraft {
    return {
      type,
      sender,
      state_key: key,
      content,
      ...(this.state.length > 0 && { room_id: this.roomId }),
      origin_server_ts: Date.now(),
      depth: this.depth + 1,
      prev_events: this.last ? [this.last.eventId] : [],
      auth_events: [...auth],
    };
  }

  private async add(
    sender: UserId,
    type: string,
    content: JsonObject,
    auth: readonly EventId[],
    key = '',
    to = this.state,
  ): Promise<RoomEvent> {
    const server = sender.slice(sender.indexOf(':') + 1) as ServerName;
    const signer = this.keys[Number(server.slice(1))];
    if (!signer) throw new Error(`there is no server ${server}`);
    const event = await buildEvent(this.draft(sender, type, content, auth, key), RULES, server, signer);
    this.depth += 1;
    this.last = event;
    to.push(event);
    return event;
  }
}

const UNREACHABLE = {
  outcome: 'failed',
  kind: 'unreachable',
  error: new MatrixError(502, 'M_UNKNOWN', 'not there'),
} as const;
