/**
 * What every secret key, token and private text of the tests holds. The test command looks for it
 * in all that a test run shows: a place where it is found shows secrets.
 */
export const SECRET_MARK = "never-shown";

/** A secret for a test, which nothing may ever show. */
export function testSecret(name: string): string {
  return `${SECRET_MARK}-${name}`;
}
