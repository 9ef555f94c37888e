import { expect, it } from '@jest/globals';
import { QuestionPlaces } from './question-places.js';

const take = (places: QuestionPlaces, times: number, cause?: string) =>
  Array.from({ length: times }, () => places.take(cause)).filter(Boolean).length;

it('leaves places for others than the one that asks for all', () => {
  const places = new QuestionPlaces(64, 8);
  expect(take(places, 20, 'evil.example')).toBe(8);
  expect(take(places, 20, 'good.example')).toBe(8);
  expect(take(places, 100)).toBe(48);
  expect(places.take('other.example')).toBe(false);
  places.release('evil.example');
  expect(places.take('good.example')).toBe(false);
  expect(places.take('evil.example')).toBe(true);
});

it('tells when a place has become free, and when the time is over', async () => {
  const places = new QuestionPlaces(1);
  const free = places.change(performance.now() + 30_000);
  places.release(undefined);
  expect(await free).toBe(true);
  expect(await places.change(performance.now() + 5)).toBe(false);
  expect(await places.change(0)).toBe(false);
});
