import { hash } from 'node:crypto';
import type { RequiredState, RequiredStates } from './required-state.js';
import type { RoomConfig } from './sliding-request.js';

/** The state that several lists and subscriptions ask for together. */
export interface CombinedStates {
  /** The same for the same ones in any order; short, for every room may have its own combination. */
  readonly key: string;
  /** JSON of what each of them asks for: combinations share the texts. */
  readonly texts: readonly string[];
}

/** What all lists and subscriptions that a room matches ask for together. */
export interface CombinedConfig {
  readonly timelineLimit: number;
  readonly requiredStates: RequiredStates;
  /** The same as the connection's memory keeps it. */
  readonly states: CombinedStates;
}

export function combineTexts(texts: Iterable<string>): CombinedStates {
  return combined(Array.from(texts, digested));
}

/** Reads the texts of a {@link CombinedStates}. */
export function readRequiredStates({ texts }: CombinedStates): RequiredStates {
  return texts.map((text) => JSON.parse(text) as RequiredState);
}

/**
 * Makes supersets of configurations. What each of them asks for is written down once, and each combination of them is made once.
 * @see proposals/4186-simplified-sliding-sync.md, "Combining room configs"
 */
export class ConfigCombiner {
  private readonly parts = new Map<RoomConfig, Part>();
  private readonly combinations = new Map<string, CombinedConfig>();

  combine(configs: readonly RoomConfig[]): CombinedConfig {
    const parts = configs.map((config) => this.partOf(config));
    const name = parts.map(({ index }) => index).join();
    const known = this.combinations.get(name);
    if (known) return known;
    const distinct = [...new Map(parts.map((part) => [part.digest, part])).values()];
    const combination = {
      timelineLimit: Math.max(...configs.map(({ timelineLimit }) => timelineLimit)),
      requiredStates: distinct.map(({ requiredState }) => requiredState),
      states: combined(distinct),
    };
    this.combinations.set(name, combination);
    return combination;
  }

  private partOf(config: RoomConfig): Part {
    const known = this.parts.get(config);
    if (known) return known;
    const { requiredState } = config;
    const part = { ...digested(JSON.stringify(requiredState)), requiredState, index: this.parts.size };
    this.parts.set(config, part);
    return part;
  }
}

interface DigestedText {
  readonly text: string;
  readonly digest: string;
}

interface Part extends DigestedText {
  readonly requiredState: RequiredState;
  readonly index: number;
}

function digested(text: string): DigestedText {
  return { text, digest: digestOf(text) };
}

function combined(texts: readonly DigestedText[]): CombinedStates {
  const byDigest = new Map(texts.map(({ text, digest }) => [digest, text]));
  const digests = [...byDigest.keys()].sort();
  return { key: digestOf(digests.join()), texts: digests.map((digest) => byDigest.get(digest) ?? '') };
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}
