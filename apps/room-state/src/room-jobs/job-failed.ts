/** A job cannot be done, and trying again does not help; the text is for operators. */
export class JobFailed extends Error {
  override readonly name = 'JobFailed';
}
