/** Bounds on media, told to clients and enforced. */
export class MediaLimits {
  constructor(readonly maxUploadBytes: number) {}
}
