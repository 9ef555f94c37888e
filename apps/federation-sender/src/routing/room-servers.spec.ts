import { describe, expect, it } from '@jest/globals';
import type { RoomServersChange } from '@atoll/database';
import type { ServerName, UserId } from '@atoll/matrix';
import { RoomServers } from './room-servers.js';

const A = 'a.example' as ServerName;
const B = 'b.example' as ServerName;
const event = (content: object) => JSON.stringify({ content });
const member = (membership: string) => event({ membership });

function change(userId: string | null, before: string | null, after: string | null): RoomServersChange {
  return { position: 1, roomNid: 1, userId: userId as UserId | null, before, after };
}
const serversOf = (room: RoomServers) => [...room.allowed()];

describe('the servers in a room', () => {
  it('are those from before what has happened since', () => {
    const room = new RoomServers({
      joined: new Map([[B, 1]]),
      serverAcl: event({ allow: ['b.example'] }),
      changes: [
        change('@two:b.example', member('join'), member('join')),
        change(null, null, event({ allow: ['b.example'] })),
        change('@two:b.example', member('invite'), member('join')),
        change('@one:a.example', member('join'), null),
      ],
    });
    expect(serversOf(room)).toEqual([A]);
  });

  it('stay while they have a joined user, and follow the server ACL', () => {
    const room = new RoomServers({ joined: new Map([[A, 2]]), serverAcl: null, changes: [] });
    expect(room.apply(change('@one:a.example', member('join'), member('ban')))).toEqual({
      server: A,
      before: 'join',
      after: 'ban',
    });
    room.apply(change('@one:b.example', null, member('join')));
    expect(serversOf(room)).toEqual([A, B]);
    expect(room.apply(change(null, null, event({ allow: ['a.*'] })))).toBeUndefined();
    expect(serversOf(room)).toEqual([A]);
    room.apply(change(null, event({ allow: ['a.*'] }), null));
    room.apply(change('@two:a.example', member('join'), member('leave')));
    expect(serversOf(room)).toEqual([B]);
    expect(room.has(A)).toBe(false);
  });
});
