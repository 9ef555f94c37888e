import type { Scene } from './scene.js';

/** One thing that two homeservers do together, in rooms and with users of its own. */
export interface Step {
  /** As on the command line and in the report. */
  readonly name: string;
  /** Default: a minute. */
  readonly timeoutMs?: number;
  /** Why this scene cannot show anything; undefined when it can. */
  skips?(scene: Scene): string | undefined;
  /** Plays the step. @throws Error that says what was seen instead */
  play(scene: Scene): Promise<void>;
}
