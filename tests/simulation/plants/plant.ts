/** A known fault, as a change of one place of the sources. */
export interface Plant {
  /** Its name, in words with hyphens. */
  readonly name: string;
  /** The file, from the root of the package. */
  readonly file: string;
  /** What stands there, exactly once. */
  readonly old: string;
  /** What is to stand there. */
  readonly new: string;
  /** The invariants that should find it. */
  readonly foundBy: readonly string[];
  /** The seed to begin at, for one that needs more to come together than 5000 seeds of the first bring. */
  readonly from?: number;
}

/** The text of a file with a fault in it. @throws {Error} when the place is not there, or not once. */
export function applyPlant(text: string, { name, file, old, new: planted }: Plant): string {
  const places = text.split(old).length - 1;
  if (places !== 1) {
    throw new Error(`Cannot plant ${name}: its place occurs ${places} times in ${file}, not once`);
  }
  return text.replace(old, () => planted);
}
