import type { z, ZodType } from 'zod';

/**
 * A request that one service makes of another: its name, the version of its shape, and both shapes.
 * A change that an older pod could not read is a new version beside the old one; a new optional field is not.
 */
export interface Command<Input extends ZodType = ZodType, Output extends ZodType = ZodType> {
  /** Imperative and unique, such as `room.send-event`. */
  readonly pattern: string;
  readonly version: number;
  /** Shapes describe plain JSON and do not transform it: both sides parse with the same schema. */
  readonly input: Input;
  readonly output: Output;
}

export type CommandInput<C extends Command> = z.output<C['input']>;
export type CommandOutput<C extends Command> = z.output<C['output']>;

/** Declares a command once, for its callers and its handler. */
export function defineCommand<Input extends ZodType, Output extends ZodType>(
  command: Command<Input, Output>,
): Command<Input, Output> {
  return command;
}
