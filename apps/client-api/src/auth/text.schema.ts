import { isDeviceId } from '@atoll/matrix';
import type { DeviceId } from '@atoll/matrix';
import { z } from 'zod';

const storable = (value: string) => !value.includes('\0') && value.isWellFormed();

/** Text that PostgreSQL can hold: without NUL and half characters. */
export const textSchema = (maxLength: number) =>
  z.string().max(maxLength).refine(storable, 'holds a NUL or half a character');

export const deviceIdSchema = z.custom<DeviceId>((value) => isDeviceId(value), 'not a device id');

export const displayNameOfDeviceSchema = textSchema(255);
