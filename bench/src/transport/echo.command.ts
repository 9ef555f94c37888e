import { defineCommand } from '@atoll/contract';
import { z } from 'zod';

/** Of the size of a message to a room, and of its answer. */
export const Echo = defineCommand({
  pattern: 'bench.echo',
  version: 1,
  input: z.object({ text: z.string() }),
  output: z.object({ eventId: z.string() }),
});

export const ECHO_SERVICE = 'echo';
export const ECHO_INSTANCE = 'echo-1';
