/** Thrown by every assertion that does not hold. */
export class AssertionError extends Error {
  /** Class name, also in minified code. */
  override name = "AssertionError";

  /** `message` says what was expected. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
