import { assert, assertEquals, assertGreater } from "@std/assert";
import { findChangelogFaults, readChangelog } from "../../.ci/changelog.ts";
import { findReleaseFaults } from "../../.ci/release.ts";

const ROOT = new URL("../../", import.meta.url);

const GOOD = `# Changelog

## [Unreleased]

## [1.1.0] - 2026-10-02

### Fixed

- It does what it says.

## [1.0.0] - 2026-09-30

### Added

- It is there.

[Unreleased]: https://example.com/compare/v1.1.0...HEAD
[1.1.0]: https://example.com/releases/v1.1.0
[1.0.0]: https://example.com/releases/v1.0.0
`;

Deno.test("changelog - is in the form of Keep a Changelog", async () => {
  const text = await Deno.readTextFile(new URL("CHANGELOG.md", ROOT));
  assertEquals(findChangelogFaults(text), []);
  assertGreater(readChangelog(text).flatMap(({ groups }) => groups).length, 0);
});

Deno.test("changelog - tells of the version in deno.json, or of what is not released yet", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const [newest, ...others] = readChangelog(
    await Deno.readTextFile(new URL("CHANGELOG.md", ROOT)),
  );
  const released = newest?.version === "Unreleased" ? others[0] : newest;
  // Before the first release there is no other section.
  assertEquals(released?.version ?? version, version);
});

Deno.test("changelog - what is wrong with one is named", () => {
  assertEquals(findChangelogFaults(GOOD), []);
  const cases: [was: string, is: string, fault: string][] = [
    ["# Changelog", "# Changes", "it does not begin with # Changelog"],
    ["2026-10-02", "2026-02-30", "1.1.0 has no day of release"],
    [" - 2026-09-30", "", "1.0.0 has no day of release"],
    ["### Fixed", "### Mended", "1.1.0 has changes of the kind Mended"],
    ["### Fixed", "", "1.1.0 has no changes"],
    ["## [1.1.0]", "## [0.9.0]", "1.0.0 stands below 0.9.0"],
    ["[1.0.0]: https", "[1.0]: https", "1.0.0 has no link"],
    ["## [1.1.0]", "## 1.1.0", "1.1.0 - 2026-10-02 is no version"],
    ["## [1.1.0] - 2026-10-02", "## [Unreleased]", "Unreleased is not the first section"],
  ];
  for (const [was, is, fault] of cases) {
    const faults = findChangelogFaults(GOOD.replace(was, is));
    assert(faults.includes(fault), `${fault}: ${faults.join()}`);
  }
});

Deno.test("release - a tag is published only with its version and what is in it", () => {
  assertEquals(findReleaseFaults("v1.1.0", "1.1.0", GOOD), []);
  assertEquals(findReleaseFaults("v1.2.0", "1.1.0", GOOD), [
    "the tag is v1.2.0, deno.json has version 1.1.0",
  ]);
  assertEquals(findReleaseFaults("v1.2.0", "1.2.0", GOOD), [
    "CHANGELOG.md: there is no section 1.2.0",
  ]);
});
