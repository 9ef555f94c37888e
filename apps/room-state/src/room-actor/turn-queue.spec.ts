import { expect, test } from '@jest/globals';
import { type Line, TurnQueue } from './turn-queue.js';

const later = () => new Promise((resolve) => setImmediate(resolve));

/** Asks for turns at once and tells in which order they came. */
async function orderOf(asked: readonly (readonly [Line, string])[]): Promise<string> {
  const queue = new TurnQueue();
  const came: string[] = [];
  const turn = async (name: string) => {
    came.push(name);
    await later();
    came.push('.');
  };
  await Promise.all(asked.map(([line, name]) => queue.run(line, () => turn(name))));
  return came.join('');
}

test('one runs at a time, in the order of its line', async () => {
  expect(
    await orderOf([
      ['commands', 'a'],
      ['commands', 'b'],
      ['commands', 'c'],
    ]),
  ).toBe('a.b.c.');
  expect(
    await orderOf([
      ['received', '1'],
      ['received', '2'],
    ]),
  ).toBe('1.2.');
});

test('the lines go alternately, whichever is longer', async () => {
  const received = ['1', '2', '3', '4'].map((name) => ['received', name] as const);
  const commands = ['a', 'b'].map((name) => ['commands', name] as const);
  expect(await orderOf([...received, ...commands])).toBe('1.a.2.b.3.4.');
});

test('a failure is told, and the next has its turn', async () => {
  const queue = new TurnQueue();
  const fails = queue.run('commands', () => Promise.reject(new Error('no')));
  const works = queue.run('commands', () => Promise.resolve('yes'));
  await expect(fails).rejects.toThrow('no');
  await expect(works).resolves.toBe('yes');
  await expect(queue.run('received', () => Promise.resolve('again'))).resolves.toBe('again');
});
