import type { ClientNamespace } from "../access/mod.ts";
import { InvalidArgumentError, printable } from "../errors.ts";

/** Most characters of a topic's name. */
export const MAX_TOPIC_LENGTH = 127;

/** Most characters of a group's name. */
export const MAX_GROUP_LENGTH = 120;

/**
 * Checks the name of a topic or group: as it is, and its length as servers know it.
 *
 * @throws {InvalidArgumentError}
 */
export function checkName(
  what: string,
  name: unknown,
  max: number,
  namespace: ClientNamespace | undefined,
): asserts name is string {
  if (typeof name !== "string" || name.trim() === "") {
    throw new InvalidArgumentError(
      `Cannot use ${what}: a name is needed, current value is ${
        typeof name === "string" ? "blank" : printable(String(name), 64)
      }`,
    );
  }
  const { length } = namespace?.wrap(name) ?? name;
  if (length > max) {
    const behind = namespace ? ` with the namespace "${namespace.name}"` : "";
    throw new InvalidArgumentError(
      `Cannot use ${what} "${
        printable(name, 32)
      }": it has ${length} characters${behind}, at most ${max} are allowed`,
    );
  }
  if (/^[A-Za-z0-9_%|-]+$/.test(name)) return;
  for (const character of name) {
    if (/[A-Za-z0-9_%|-]/.test(character)) continue;
    throw new InvalidArgumentError(
      `Cannot use ${what} "${printable(name, 64)}": the character ${
        JSON.stringify(character)
      } is not one of A-Z a-z 0-9 _ - % |`,
    );
  }
}
