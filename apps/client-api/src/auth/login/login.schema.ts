import { z } from 'zod';
import { passwordSchema } from '../password-policy.js';
import { deviceIdSchema, displayNameOfDeviceSchema } from '../text.schema.js';

/** Keys of login and registration alike. */
export const newSessionShape = {
  device_id: deviceIdSchema.optional(),
  initial_device_display_name: displayNameOfDeviceSchema.optional(),
  refresh_token: z.boolean().optional(),
};

/** The body of `POST /login`; how the user is named is read by `identifiedUser`. */
export const loginSchema = z.object({
  type: z.string(),
  identifier: z.looseObject({ type: z.string() }).optional(),
  user: z.string().optional(),
  password: passwordSchema.optional(),
  ...newSessionShape,
});

export type LoginRequest = z.output<typeof loginSchema>;
