import { ExchangeThirdPartyInvite } from '@atoll/contract';
import type { FederationClient } from '@atoll/federation-client';
import { type RoomId, type ServerName, serverNameOf, type UserId } from '@atoll/matrix';
import type { RoomClient } from '@atoll/service';
import { counter } from '@atoll/telemetry';
import type { SignedInvite } from '../exchange-third-party-invite/signed-invite.schema.js';
import { InviteBudget } from './invite-budget.js';

const TIMEOUT_MS = 20_000;

/** An invite that waited for a user of this server. */
export interface BoundInvite {
  readonly mxid: UserId;
  readonly room_id: RoomId;
  readonly sender: UserId;
  readonly signed: SignedInvite;
}

const exchanged = counter(
  'atoll_third_party_invites_total',
  'Invites by e-mail and the like that identity servers reported, by outcome',
);

/** Has invites exchanged by the servers of those who sent them: the new events need the signatures of these servers. */
export class BoundInvites {
  private readonly budget = new InviteBudget();

  constructor(
    private readonly serverName: ServerName,
    private readonly rooms: RoomClient,
    private readonly federation: FederationClient,
  ) {}

  /**
   * All at once; what fails is counted, for whoever reported the invites can do nothing about it.
   * @throws MatrixError 429 before anything is done
   */
  async exchange(invites: readonly BoundInvite[]): Promise<void> {
    this.budget.take(invites.length);
    await Promise.all(
      invites.map(async (invite) => {
        exchanged.add(1, { outcome: (await this.isExchanged(invite)) ? 'exchanged' : 'failed' });
      }),
    );
  }

  private async isExchanged(invite: BoundInvite): Promise<boolean> {
    const server = serverNameOf(invite.sender);
    if (server !== this.serverName) return this.isExchangedBy(server, invite);
    const { room_id: roomId, sender, mxid: target, signed } = invite;
    const input = { roomId, sender, target, signed };
    return this.rooms.request(ExchangeThirdPartyInvite, input, { timeoutMs: TIMEOUT_MS }).then(
      () => true,
      () => false,
    );
  }

  private async isExchangedBy(server: ServerName, { room_id, sender, mxid, signed }: BoundInvite) {
    const path = `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(room_id)}`;
    // What the room calls the invited person, only its members know.
    const content = { membership: 'invite', third_party_invite: { display_name: '', signed } };
    const event = { type: 'm.room.member', room_id, sender, state_key: mxid, content };
    const result = await this.federation.send(server, 'PUT', path, event, { timeoutMs: TIMEOUT_MS });
    return result.outcome === 'answered';
  }
}
