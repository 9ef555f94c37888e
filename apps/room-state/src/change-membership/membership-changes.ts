import { isDeepStrictEqual } from 'node:util';
import type { MembershipAction } from '@atoll/contract';
import { type EventId, isUserId, invalidParam, type JsonObject, type UserId } from '@atoll/matrix';
import type { HashedEvent } from '@atoll/room-rules';
import type { LocalEventBuilder } from '../append-event/local-event-builder.js';
import type { GuestAccess } from '../guest-access/guest-access.js';
import type { PendingEvent } from '../room-actor/pending-event.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import { checkTransition, newMembership } from './membership-transitions.js';
import type { RestrictedJoins } from './restricted-joins.js';

/** What a local user wants to do to a membership. */
export interface MembershipChange {
  readonly sender: UserId;
  readonly target: UserId;
  readonly action: MembershipAction;
  readonly content: JsonObject;
  readonly reason?: string | undefined;
}

/** What only servers may claim in a member event: this server would sign it. */
const SERVER_KEYS = ['join_authorised_via_users_server', 'third_party_invite'];

/** Decides on memberships, whichever endpoint asks. */
export class MembershipChanges {
  constructor(
    private readonly builder: LocalEventBuilder,
    private readonly restrictedJoins: RestrictedJoins,
    private readonly guests: GuestAccess,
  ) {}

  /**
   * Makes the actor take the member event; `undefined` when nothing has to change.
   * @throws MatrixError `M_FORBIDDEN`, `M_GUEST_ACCESS_FORBIDDEN`, `M_INVALID_PARAM`
   */
  async take(
    actor: RoomActor,
    change: MembershipChange,
    extra: Pick<PendingEvent, 'transaction'> = {},
  ): Promise<PendingEvent | undefined> {
    const built = await this.build(actor, change);
    return built && this.builder.append(actor, built, extra);
  }

  /** The event that {@link take} would take; the actor does not change. */
  async build(
    actor: RoomActor,
    change: MembershipChange,
  ): Promise<{ hashed: HashedEvent; prev: readonly EventId[] } | undefined> {
    const { action, sender, target } = change;
    if (!isUserId(target)) throw invalidParam('Only users have a membership');
    const current = await this.currentContent(actor, target);
    const membership = current?.['membership'];
    const content = memberContent(change);
    if (action === 'update-profile' && membership !== 'join') return undefined;
    if (isUnchanged(action, current, content)) return undefined;
    checkTransition(action, typeof membership === 'string' ? membership : undefined);
    if (action === 'join' && membership !== 'join') await this.guests.assertMayJoin(actor, target);
    const authoriser = action === 'join' && (await this.restrictedJoins.authoriser(actor, target));
    return this.builder.build(actor, {
      type: 'm.room.member',
      sender,
      stateKey: target,
      content: authoriser ? { ...content, join_authorised_via_users_server: authoriser } : content,
    });
  }

  /** What a member event that a client wrote itself comes to; its id, or that of the event that says so already. */
  async takeEvent(
    actor: RoomActor,
    event: { sender: UserId; stateKey: string; content: JsonObject },
    extra: Pick<PendingEvent, 'transaction'> = {},
  ): Promise<PendingEvent | EventId> {
    const { sender, content } = event;
    const target = event.stateKey as UserId;
    const current = (await this.currentContent(actor, target))?.['membership'];
    const action = actionOf(content['membership'], sender === target, current === 'ban');
    const pending = await this.take(actor, { sender, target, content, action }, extra);
    const holder = actor.stateEventId('m.room.member', target);
    return pending ?? (holder as EventId);
  }

  private async currentContent(actor: RoomActor, target: UserId): Promise<JsonObject | undefined> {
    const lookup = await this.builder.stateLookup(actor, [['m.room.member', target]]);
    return lookup('m.room.member', target)?.pdu.content;
  }
}

/** @throws MatrixError `M_INVALID_PARAM` */
function actionOf(membership: unknown, isOwn: boolean, isBanned: boolean): MembershipAction {
  if (membership === 'leave') return isOwn ? 'leave' : isBanned ? 'unban' : 'kick';
  if (membership === 'join' || membership === 'invite' || membership === 'ban' || membership === 'knock') {
    return membership;
  }
  throw invalidParam('There is no such membership');
}

function memberContent({ action, content, reason }: MembershipChange): JsonObject {
  const kept = Object.entries(content).filter(([key]) => !SERVER_KEYS.includes(key));
  return {
    ...Object.fromEntries(kept),
    membership: newMembership[action],
    ...(reason !== undefined && { reason }),
  };
}

/** Joining twice and leaving twice change nothing, unless the join brings other content. */
function isUnchanged(action: MembershipAction, current: JsonObject | undefined, next: JsonObject): boolean {
  if (current?.['membership'] !== next['membership']) return false;
  if (action === 'leave') return true;
  if (action !== 'join' && action !== 'update-profile') return false;
  const { join_authorised_via_users_server: _, ...rest } = current ?? {};
  return isDeepStrictEqual(rest, next);
}
