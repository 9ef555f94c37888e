import {
  AuthChainReader,
  EventStateReader,
  EventTextReader,
  type HeldKey,
  HeroReader,
  RoomServersReader,
} from '@atoll/database';
import type { ServerName, UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { pduItems } from '../room-access/json-answer.js';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';
import { parsedPdu } from '../room-access/served-pdu.js';

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
    private readonly heroes: HeroReader,
    @Inject(OWN_SERVER_NAME) private readonly ownName: ServerName,
  ) {}

  /**
   * The answer as pieces of JSON text. With `omitMembers` the state comes without members but those that a name is made of, no event twice.
   * @param join the text of the join
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
   */
  async *parts(joinNid: number, join: string, omitMembers: boolean): AsyncGenerator<string, void> {
    const all = (await this.states.before(joinNid)) ?? [];
    const reduced = omitMembers ? await this.withoutMembers(joinNid, all) : undefined;
    const nids = (reduced?.state ?? all).map(({ eventNid }) => eventNid);
    const chain = await this.chains.full([joinNid, ...nids]);
    const sent = new Set(omitMembers ? nids : []);
    const head = {
      origin: this.ownName,
      members_omitted: omitMembers,
      ...(reduced && { servers_in_room: reduced.servers }),
    };
    yield `${JSON.stringify(head).slice(0, -1)},"event":${join},"state":[`;
    yield* pduItems(this.texts.pages(nids));
    yield '],"auth_chain":[';
    yield* pduItems(this.texts.pages(chain.filter((nid) => !sent.has(nid))));
    yield ']}';
  }

  /** The servers are those from before the join. Heroes are only needed where the room has neither a name nor an alias. */
  private async withoutMembers(
    joinNid: number,
    all: readonly HeldKey[],
  ): Promise<{ state: HeldKey[]; servers: ServerName[] }> {
    const [join] = await this.texts.byNids([joinNid]);
    if (join === undefined) throw new Error('The join is gone');
    const joining = parsedPdu(join).state_key as UserId;
    const heroes = isNamed(all) ? [] : await this.heroesOf(join.roomNid, joining);
    return {
      state: all.filter(({ type, stateKey }) => type !== 'm.room.member' || heroes.includes(stateKey)),
      servers: await this.servers.serversIn(join.roomNid, MAX_SERVERS, joining),
    };
  }

  /** Those who left are not among them: somebody of this server is in the room. */
  private async heroesOf(roomNid: number, joining: UserId): Promise<string[]> {
    const candidates = await this.heroes.candidates(joining, [roomNid], MAX_HEROES);
    return candidates
      .filter(({ membership }) => membership === 'join' || membership === 'invite')
      .map(({ userId }) => userId);
  }
}

function isNamed(state: readonly HeldKey[]): boolean {
  return state.some(
    ({ type, stateKey }) => stateKey === '' && (type === 'm.room.name' || type === 'm.room.canonical_alias'),
  );
}
