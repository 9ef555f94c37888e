import { describe, expect, it } from '@jest/globals';
import type { CommitUnit } from './group-commit.js';
import type { RoomActor } from './room-actor.js';
import { RoomCommits } from './room-commits.js';

/** Keeps what it is given until the test says what becomes of it. */
class HeldCommits {
  readonly units: CommitUnit[] = [];
  private readonly ends: PromiseWithResolvers<undefined>[] = [];

  get depth(): number {
    return this.units.length;
  }

  enqueue = (unit: CommitUnit): Promise<void> => {
    const end = Promise.withResolvers<undefined>();
    this.units.push(unit);
    this.ends.push(end);
    return end.promise;
  };

  async end(error?: Error): Promise<void> {
    const end = this.ends.shift();
    if (error) end?.reject(error);
    else end?.resolve(undefined);
    await new Promise(setImmediate);
  }
}

describe('RoomCommits', () => {
  const [room, other] = [{}, {}] as [RoomActor, RoomActor];
  const unit = (actor: RoomActor, isLarge = false): CommitUnit => ({
    ...{ actor, events: [], extremities: new Map(), depth: 0 },
    ...(isLarge && { isLarge }),
  });

  it('keeps what follows a large unit of its room behind it, and nobody else', async () => {
    const [common, large] = [new HeldCommits(), new HeldCommits()];
    const commits = new RoomCommits(common, large);
    const [first, second] = [unit(room, true), unit(room)];
    const ended = [commits.enqueue(first), commits.enqueue(second)];
    void commits.enqueue(unit(other));
    expect(large.units).toEqual([first, second]);
    expect(common.units.map(({ actor }) => actor)).toEqual([other]);
    expect(commits.depth).toBe(3);
    await large.end();
    void commits.enqueue(unit(room));
    expect(common.units).toHaveLength(1);
    await large.end();
    await large.end();
    await Promise.all(ended);
    void commits.enqueue(unit(room));
    expect(common.units.map(({ actor }) => actor)).toEqual([other, room]);
  });

  it('lets the room go on as before when the large unit fails', async () => {
    const [common, large] = [new HeldCommits(), new HeldCommits()];
    const commits = new RoomCommits(common, large);
    const failing = commits.enqueue(unit(room, true));
    await Promise.all([large.end(new Error('gone')), expect(failing).rejects.toThrow('gone')]);
    void commits.enqueue(unit(room));
    expect(common.units).toHaveLength(1);
  });
});
