import {
  AuthChainReader,
  EventStateReader,
  EventTextReader,
  type HeldKey,
  RoomServersReader,
} from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { pduItems } from '../room-access/json-answer.js';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';

/** Members whose names make up the name of a room without one. @see https://spec.matrix.org/v1.19/client-server-api/#calculating-the-display-name-for-a-room */
const MAX_HEROES = 5;
const MAX_SERVERS = 10_000;

/** What a server gets that has joined a room with this server's help: the state before the join, and its authority. */
@Injectable()
export class JoinAnswers {
  constructor(
    private readonly states: EventStateReader,
    private readonly chains: AuthChainReader,
    private readonly texts: EventTextReader,
    private readonly servers: RoomServersReader,
    @Inject(OWN_SERVER_NAME) private readonly ownName: ServerName,
  ) {}

  /**
   * The answer as pieces of JSON text. With `omitMembers` the state comes without members but those that a name is made of, no event twice.
   * @param join the text of the join
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
   */
  async *parts(joinNid: number, join: string, omitMembers: boolean): AsyncGenerator<string, void> {
    const all = (await this.states.before(joinNid)) ?? [];
    const state = omitMembers ? withoutMembers(all) : all;
    const nids = state.map(({ eventNid }) => eventNid);
    const chain = await this.chains.full([joinNid, ...nids]);
    const sent = new Set(omitMembers ? nids : []);
    const head = {
      origin: this.ownName,
      members_omitted: omitMembers,
      ...(await this.serversOf(joinNid, omitMembers)),
    };
    yield `${JSON.stringify(head).slice(0, -1)},"event":${join},"state":[`;
    yield* pduItems(this.texts.pages(nids));
    yield '],"auth_chain":[';
    yield* pduItems(this.texts.pages(chain.filter((nid) => !sent.has(nid))));
    yield ']}';
  }

  private async serversOf(
    joinNid: number,
    omitMembers: boolean,
  ): Promise<{ servers_in_room?: ServerName[] }> {
    if (!omitMembers) return {};
    const [join] = await this.texts.byNids([joinNid]);
    return { servers_in_room: join ? await this.servers.serversIn(join.roomNid, MAX_SERVERS) : [] };
  }
}

/** Heroes are only needed where the room has neither a name nor an alias. */
function withoutMembers(state: readonly HeldKey[]): HeldKey[] {
  const isNamed = state.some(
    ({ type, stateKey }) => stateKey === '' && (type === 'm.room.name' || type === 'm.room.canonical_alias'),
  );
  const members = state.filter(({ type }) => type === 'm.room.member');
  return [
    ...state.filter(({ type }) => type !== 'm.room.member'),
    ...(isNamed ? [] : members.slice(0, MAX_HEROES)),
  ];
}
