/** Why an event is not authorised. */
export interface Rejection {
  /** The number of the rule on the specification's page of the room version, for example `5.3.3`. */
  readonly rule: string;
  /** One sentence for logs and for `explain`; it holds nothing from the event. */
  readonly reason: string;
}
