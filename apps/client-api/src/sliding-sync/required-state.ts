/** Any type, or any state key, where it says none. */
export interface StateElement {
  readonly type?: string | undefined;
  readonly stateKey?: string | undefined;
}

/** The state that a client asks for: what one of `include` matches and none of `exclude`. */
export interface RequiredState {
  readonly include: readonly StateElement[];
  readonly exclude: readonly StateElement[];
  /** Members come as they are needed, but for those that `include` names by their user. */
  readonly lazyMembers: boolean;
}

/** Several of them: what any of them asks for. */
export type RequiredStates = readonly RequiredState[];

const MEMBER = 'm.room.member';

/** Answers for many keys whether they are asked for: how long that takes does not depend on how many elements ask. */
export class StateMatcher {
  private readonly parts: readonly { lazy: boolean; included: ElementSet; excluded: ElementSet }[];

  constructor(states: RequiredStates) {
    this.parts = states.map(({ include, exclude, lazyMembers }) => ({
      lazy: lazyMembers,
      included: new ElementSet(include),
      excluded: new ElementSet(exclude),
    }));
  }

  /** Whether a key of the state is asked for, whatever lazy loading adds. */
  requires(type: string, stateKey: string): boolean {
    return this.parts.some(({ lazy, included, excluded }) => {
      // Lazily, members come by their names only.
      const isIncluded =
        included.hasKey(type, stateKey) || (!(lazy && type === MEMBER) && included.hasType(type));
      return isIncluded && !excluded.hasKey(type, stateKey) && !excluded.hasType(type);
    });
  }
}

/** Elements by what they name. */
class ElementSet {
  /** `undefined` for any: the types of which all state keys are meant. */
  private readonly types = new Set<string | undefined>();
  /** State keys, by their type. */
  private readonly keys = new Map<string | undefined, Set<string>>();

  constructor(elements: readonly StateElement[]) {
    for (const { type, stateKey } of elements) {
      if (stateKey === undefined) this.types.add(type);
      else this.keys.set(type, (this.keys.get(type) ?? new Set()).add(stateKey));
    }
  }

  /** Whether all state keys of the type are meant. */
  hasType(type: string): boolean {
    return this.types.has(undefined) || this.types.has(type);
  }

  /** Whether the state key is named. */
  hasKey(type: string, stateKey: string): boolean {
    return (
      (this.keys.get(type)?.has(stateKey) ?? false) || (this.keys.get(undefined)?.has(stateKey) ?? false)
    );
  }
}

/** Whether members are to be loaded lazily: not when all of them come anyway. */
export function isLazy(states: RequiredStates): boolean {
  return states.some(({ lazyMembers }) => lazyMembers) && !states.some(hasAllMembers);
}

function hasAllMembers({ include, exclude, lazyMembers }: RequiredState): boolean {
  const isOfMembers = ({ type }: StateElement) => type === undefined || type === MEMBER;
  return (
    !lazyMembers &&
    include.some((element) => element.stateKey === undefined && isOfMembers(element)) &&
    !exclude.some(isOfMembers)
  );
}

/** What has to be read to find all that is asked for; more may be read than that. */
export interface StateNeeds {
  /** Every type; members only if they are not lazy. */
  readonly everything: false | { readonly members: boolean };
  readonly types: readonly string[];
  readonly keys: readonly { readonly type: string; readonly stateKey: string }[];
}

export function needsOf(states: RequiredStates): StateNeeds {
  const elements = states.flatMap(({ include, lazyMembers }) =>
    include.map((element) => ({ ...element, lazyMembers })),
  );
  const open = elements.filter(({ type }) => type === undefined);
  const keys = elements.flatMap(({ type, stateKey }) =>
    stateKey === undefined ? [] : [{ type: type ?? MEMBER, stateKey }],
  );
  const types = elements.flatMap(({ type, stateKey, lazyMembers }) =>
    type === undefined || stateKey !== undefined || (lazyMembers && type === MEMBER) ? [] : [type],
  );
  const members = open.some(({ stateKey, lazyMembers }) => stateKey === undefined && !lazyMembers);
  return { everything: open.length > 0 && { members }, types: [...new Set(types)], keys };
}
