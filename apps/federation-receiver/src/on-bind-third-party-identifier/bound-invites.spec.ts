import { ExchangeThirdPartyInvite } from '@atoll/contract';
import type { FederationClient } from '@atoll/federation-client';
import { MatrixError, type RoomId, type ServerName, type UserId } from '@atoll/matrix';
import type { RoomClient } from '@atoll/service';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type BoundInvite, BoundInvites } from './bound-invites.js';

const ALICE = '@alice:hs1' as UserId;

describe('BoundInvites', () => {
  const send = jest.fn<FederationClient['send']>();
  const request = jest.fn<RoomClient['request']>();
  let invites: BoundInvites;

  beforeEach(() => {
    send.mockReset().mockResolvedValue({ outcome: 'answered', status: 200, body: {} });
    request.mockReset().mockResolvedValue({ eventId: null });
    const rooms = { request } as unknown as RoomClient;
    invites = new BoundInvites('hs1' as ServerName, rooms, { send } as unknown as FederationClient);
  });

  const invite = (sender: string): BoundInvite => ({
    ...{ mxid: ALICE, room_id: '!a/b:hs2' as RoomId, sender: sender as UserId },
    signed: { mxid: ALICE, token: 't', signatures: {} },
  });

  it('asks the server of the one who invited', async () => {
    await invites.exchange([invite('@bob:hs2')]);
    const { signed, room_id } = invite('');
    expect(send.mock.calls).toEqual([
      [
        'hs2',
        'PUT',
        '/_matrix/federation/v1/exchange_third_party_invite/!a%2Fb%3Ahs2',
        {
          ...{ type: 'm.room.member', room_id, sender: '@bob:hs2', state_key: ALICE },
          content: { membership: 'invite', third_party_invite: { display_name: '', signed } },
        },
        expect.anything(),
      ],
    ]);
    expect(request).not.toHaveBeenCalled();
  });

  it('has invites by users of this server exchanged here', async () => {
    await invites.exchange([invite('@bob:hs1')]);
    const { signed, room_id: roomId } = invite('');
    expect(request.mock.calls).toEqual([
      [ExchangeThirdPartyInvite, { roomId, sender: '@bob:hs1', target: ALICE, signed }, expect.anything()],
    ]);
    expect(send).not.toHaveBeenCalled();
  });

  it('goes on when one fails', async () => {
    request.mockRejectedValue(new MatrixError(403, 'M_FORBIDDEN', 'no'));
    send.mockResolvedValue({
      ...{ outcome: 'failed', kind: 'timeout' },
      error: new MatrixError(504, 'M_UNKNOWN', 'no answer'),
    });
    await invites.exchange([invite('@bob:hs1'), invite('@bob:hs2'), invite('@bob:hs3')]);
    expect([request.mock.calls.length, send.mock.calls.length]).toEqual([1, 2]);
  });

  it('asks nobody once too many were reported', async () => {
    const many = Array.from({ length: 30 }, () => invite('@bob:hs2'));
    await invites.exchange(many);
    await invites.exchange(many);
    await expect(invites.exchange([invite('@bob:hs2')])).rejects.toMatchObject({ status: 429 });
    expect(send).toHaveBeenCalledTimes(60);
  });
});
