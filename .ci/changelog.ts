/** A section of a changelog. */
export interface ChangelogSection {
  /** `Unreleased`, or a version. */
  version: string;
  /** Day of the release, `YYYY-MM-DD`; none while it is not released. */
  date: string | undefined;
  /** Its groups of changes, in order: `Added`, `Fixed` and so on. */
  groups: string[];
}

const GROUPS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-[\w.]+)?$/;

/** The sections of a changelog, the newest first as they stand. */
export function readChangelog(text: string): ChangelogSection[] {
  const [, ...sections] = text.split(/^## /m);
  return sections.map((section) => {
    const heading = section.split("\n", 1)[0]!;
    const match = /^\[([^\]]+)\](?: - (.+))?$/.exec(heading);
    return {
      version: match?.[1] ?? heading,
      date: match?.[2],
      groups: Array.from(section.matchAll(/^### (.*)$/gm), ([, group]) => group!),
    };
  });
}

/** What is not as Keep a Changelog wants it; nothing when all is. */
export function findChangelogFaults(text: string): string[] {
  const faults: string[] = [];
  if (!text.startsWith("# Changelog\n")) faults.push("it does not begin with # Changelog");
  const sections = readChangelog(text);
  if (sections.length === 0) faults.push("it has no section");
  sections.forEach(({ version, date, groups }, i) => {
    const link = new RegExp(`^\\[${RegExp.escape(version)}\\]: https://\\S+$`, "m");
    if (version === "Unreleased") {
      if (i > 0 || date !== undefined) faults.push("Unreleased is not the first section");
    } else if (!VERSION.test(version)) faults.push(`${version} is no version`);
    else if (!isDay(date)) faults.push(`${version} has no day of release`);
    else if (!link.test(text)) faults.push(`${version} has no link`);
    for (const group of groups) {
      if (!GROUPS.includes(group)) faults.push(`${version} has changes of the kind ${group}`);
    }
    if (groups.length === 0 && version !== "Unreleased") faults.push(`${version} has no changes`);
  });
  const released = sections.map(({ version }) => version).filter((it) => VERSION.test(it));
  for (let i = 1; i < released.length; i++) {
    if (compareVersions(released[i - 1]!, released[i]!) <= 0) {
      faults.push(`${released[i]} stands below ${released[i - 1]}`);
    }
  }
  return faults;
}

function isDay(text: string | undefined): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text ?? "")) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text!);
}

/** Below 0 when `a` is the older one. Of two that differ in their suffix, the one without is newer. */
function compareVersions(a: string, b: string): number {
  const numbers = (version: string) => VERSION.exec(version)!.slice(1, 4).map(Number);
  const [x, y] = [numbers(a), numbers(b)];
  const differing = x.findIndex((number, i) => number !== y[i]);
  if (differing >= 0) return x[differing]! - y[differing]!;
  const [isPreA, isPreB] = [a.includes("-"), b.includes("-")];
  return isPreA === isPreB ? a.localeCompare(b) : Number(isPreB) - Number(isPreA);
}
