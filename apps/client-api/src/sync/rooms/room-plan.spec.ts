import { describe, expect, it } from '@jest/globals';
import type { Membership, SyncMembership, TimelineValue } from '@atoll/database';
import type { RoomId } from '@atoll/matrix';
import { planRooms, type PlanInput, roomsNeedingHistory } from './room-plan.js';

const roomId = '!room:x' as RoomId;

/** A history as `[position, membership]`, of which the last is what holds at `to`. */
function input(history: [number, Membership][], more: Partial<PlanInput> = {}): PlanInput {
  const values: TimelineValue[] = history.map(([from, value], i) => ({
    from,
    value,
    to: history[i + 1]?.[0] ?? null,
  }));
  const to = more.to ?? 100;
  const [position = 0, membership = 'leave'] = history.findLast(([at]) => at <= to) ?? [];
  const record: SyncMembership = {
    roomNid: 1,
    roomId,
    membership,
    eventNid: position,
    position,
    forgotten: false,
  };
  return {
    since: 50,
    to,
    fullState: false,
    includesLeft: false,
    memberships: [record],
    histories: new Map([[1, values]]),
    changed: new Set(),
    annotated: new Set(),
    stirred: new Set(),
    ...more,
  };
}

const roomOf = (plan: PlanInput) => planRooms(plan).rooms[0];

describe('planRooms', () => {
  it('leaves quiet rooms out, and continues those that changed', () => {
    expect(roomOf(input([[10, 'join']]))).toBeUndefined();
    const continued = { section: 'join', timeline: { from: 50, to: 100 }, knownState: 50, isNew: false };
    expect(roomOf(input([[10, 'join']], { changed: new Set([1]) }))).toMatchObject(continued);
    expect(roomOf(input([[10, 'join']], { annotated: new Set([roomId]) }))).toMatchObject(continued);
    expect(roomOf(input([[10, 'join']], { fullState: true }))).toMatchObject({
      timeline: { from: 50, to: 100 },
      knownState: undefined,
    });
  });

  it.each<[string, [number, Membership][]]>([
    ['joined since', [[60, 'join']]],
    ['joined after an invite', [[40, 'invite'], [60, 'join']]], // prettier-ignore
    ['left and joined again', [[10, 'join'], [60, 'leave'], [70, 'join']]], // prettier-ignore
  ])('starts a room anew: %s', (_name, history) => {
    const plan = input(history, { changed: new Set([1]) });
    expect(roomsNeedingHistory(plan)).toEqual([1]);
    expect(planRooms(plan).rooms).toEqual([
      expect.objectContaining({
        section: 'join',
        timeline: { from: 0, to: 100 },
        knownState: undefined,
        isNew: true,
      }),
    ]);
  });

  it('takes a new display name for no new join', () => {
    const plan = input([[10, 'join'], [60, 'join']], { changed: new Set([1]) }); // prettier-ignore
    expect(roomOf(plan)).toMatchObject({ timeline: { from: 50 }, isNew: false });
  });

  it('knows nothing of what comes after the upper bound', () => {
    const plan = input([[10, 'join'], [120, 'leave'], [130, 'join']], { changed: new Set([1]) }); // prettier-ignore
    expect(roomOf(plan)).toMatchObject({ section: 'join', isNew: false });
  });

  it('tells a leave since then, forgotten or not, up to where the user was there', () => {
    const plan = input([[10, 'join'], [60, 'leave'], [70, 'ban']]); // prettier-ignore
    const told = {
      section: 'leave',
      timeline: { from: 50, to: 70 },
      knownState: 50,
      stateEnd: 60,
      shownNid: 70,
    };
    expect(roomOf(plan)).toMatchObject(told);
    const [record] = plan.memberships;
    const forgotten = { ...plan, memberships: record ? [{ ...record, forgotten: true }] : [] };
    expect(roomOf(forgotten)).toMatchObject(told);
  });

  it('tells of a room that was joined and left since then from its start', () => {
    const plan = input([[60, 'join'], [70, 'leave']]); // prettier-ignore
    expect(roomOf(plan)).toMatchObject({
      timeline: { from: 0, to: 70 },
      knownState: undefined,
      stateEnd: 70,
    });
  });

  it('tells nothing but the own event of a room that was never joined', () => {
    const plan = input([[40, 'invite'], [60, 'leave']]); // prettier-ignore
    expect(roomOf(plan)).toMatchObject({ timeline: { from: 59, to: 60 }, knownState: 60, stateEnd: 60 });
  });

  it('lists archived rooms in first and full syncs that ask for them, but not forgotten ones', () => {
    const left: [number, Membership][] = [[10, 'join'], [20, 'leave']]; // prettier-ignore
    expect(roomOf(input(left))).toBeUndefined();
    expect(roomOf(input(left, { includesLeft: true }))).toBeUndefined();
    expect(roomOf(input(left, { since: undefined }))).toBeUndefined();
    for (const more of [{ since: undefined }, { fullState: true }]) {
      const plan = input(left, { includesLeft: true, ...more });
      expect(roomOf(plan)).toMatchObject({ section: 'leave', knownState: undefined, stateEnd: 20 });
      const [record] = plan.memberships;
      expect(
        planRooms({ ...plan, memberships: record ? [{ ...record, forgotten: true }] : [] }).rooms,
      ).toEqual([]);
    }
  });

  it.each(['invite', 'knock'] as const)('tells an %s when it is new', (membership) => {
    expect(planRooms(input([[60, membership]])).stripped).toMatchObject([{ section: membership }]);
    expect(planRooms(input([[40, membership]])).stripped).toEqual([]);
    expect(planRooms(input([[40, membership]], { since: undefined })).stripped).toHaveLength(1);
  });
});
