import { SECRET_MARK } from "../tests/support/secrets.ts";

/** What a search found. */
export interface SecretSearch {
  /** Whether there was something to search, and no secret in it. */
  isClean: boolean;
  /** What was searched, and where secrets were. */
  report: string;
}

/** How much of what stands around a secret is shown, in characters. */
const CONTEXT = 80;

/** Places that are shown. */
const PLACES_SHOWN = 5;

/**
 * Looks for the mark that all secrets of the tests hold: in what a run of the tests wrote, and in
 * the records of what the module logged, told in events and threw.
 */
export async function searchForSecrets(
  folder: string,
  output: Uint8Array[],
): Promise<SecretSearch> {
  const written = await new Blob(output as Uint8Array<ArrayBuffer>[]).text();
  let size = written.length, files = 0;
  const places = findPlaces(written);
  for await (const { name } of Deno.readDir(folder)) {
    const record = await Deno.readTextFile(`${folder}/${name}`);
    size += record.length;
    files++;
    places.push(...findPlaces(record));
  }
  const searched = `${(size / 2 ** 20).toFixed(1)} MiB of output and ${files} records searched`;
  const report = [`${searched}: ${places.length} secrets`, ...places.slice(0, PLACES_SHOWN)];
  return { isClean: places.length === 0 && files > 0, report: report.join("\n  ") };
}

function findPlaces(text: string): string[] {
  const places: string[] = [];
  for (let at = text.indexOf(SECRET_MARK); at >= 0; at = text.indexOf(SECRET_MARK, at + 1)) {
    places.push(text.slice(Math.max(0, at - CONTEXT), at + SECRET_MARK.length));
  }
  return places;
}
