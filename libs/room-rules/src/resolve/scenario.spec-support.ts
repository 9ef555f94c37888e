import fc from 'fast-check';

/** One thing that somebody tries to do. */
export interface Action {
  readonly what: 'member' | 'moderate' | 'power' | 'joinRule' | 'topic' | 'aliases';
  readonly actor: number;
  readonly target: number;
  readonly value: number;
  /** How far back the events lie that it follows: more than one merges branches, a large one forks. */
  readonly after: readonly number[];
  /** Clocks of servers differ, and equal times leave the decision to the event ids. */
  readonly delay: number;
  /** Cites the authority of the state that far back instead of the state before it. */
  readonly authFromBack: number | undefined;
  /** Cites this one of the rejected events where it can. */
  readonly citesRejected: number | undefined;
}

/** What a room went through, and the states that a server might have to resolve. */
export interface Scenario {
  readonly actions: readonly Action[];
  /** Which states to resolve: after which event from the end. */
  readonly picks: readonly number[];
  /** State that a peer got wrong: in which of them, which key, taken from how far back. */
  readonly mistakes: readonly (readonly [state: number, key: number, back: number])[];
}

const small = fc.nat({ max: 9 });

const action: fc.Arbitrary<Action> = fc.record({
  what: fc.constantFrom(
    ...(['member', 'member', 'member', 'moderate', 'moderate', 'power', 'power', 'power'] as const),
    ...(['joinRule', 'topic', 'aliases'] as const),
  ),
  actor: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(0, 1) }, small),
  target: small,
  value: fc.nat({ max: 100 }),
  after: fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, small), { minLength: 1, maxLength: 3 }),
  delay: fc.integer({ min: -6, max: 6 }),
  authFromBack: fc.option(fc.nat({ max: 12 }), { freq: 7, nil: undefined }),
  citesRejected: fc.option(fc.nat({ max: 8 }), { freq: 5, nil: undefined }),
});

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  actions: fc.array(action, { minLength: 10, maxLength: 60, size: 'max' }),
  picks: fc.array(fc.nat({ max: 30 }), { minLength: 2, maxLength: 4 }),
  mistakes: fc.array(fc.tuple(small, fc.nat({ max: 12 }), fc.nat({ max: 40 })), { maxLength: 4 }),
});
