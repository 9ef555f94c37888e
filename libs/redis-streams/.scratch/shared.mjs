import { z } from 'zod';
import { defineCommand } from '@atoll/contract';
export const Echo = defineCommand({
  pattern: 'bench.echo',
  version: 1,
  input: z.object({ text: z.string() }),
  output: z.object({ length: z.number() }),
});
