import { defineCommand } from '@atoll/contract';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { CommandContext } from '../command-context.js';
import { OnCommand } from '../on-command.decorator.js';

const shape = z.object({ text: z.string() });

/** The command of the specs, and a next version of it that no server knows. */
export const Work = defineCommand({ pattern: 'test.work', version: 1, input: shape, output: shape });
export const NewerWork = defineCommand({ pattern: 'test.work', version: 2, input: shape, output: shape });

export type Handle = (
  input: z.output<typeof shape>,
  context: CommandContext,
) => Promise<z.output<typeof shape>>;

/** Serves `Work` with what the spec gives as behaviour. */
@Controller()
export class WorkController {
  constructor(@Inject('handle') private readonly handle: Handle) {}

  @OnCommand(Work)
  work(input: z.output<typeof shape>, context: CommandContext): Promise<z.output<typeof shape>> {
    return this.handle(input, context);
  }
}
