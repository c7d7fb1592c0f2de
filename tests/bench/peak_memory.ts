/** The most memory that this process held so far, in bytes; what it holds now where nobody counts. */
export function readPeakMemory(): number {
  try {
    const kibibytes = /VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  } catch {
    // Only Linux has that file.
  }
  return Deno.memoryUsage().rss;
}
