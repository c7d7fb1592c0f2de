/**
 * Sees to it that the processes below `folder` end and the folder goes when this process does, even
 * if it is killed.
 */
export async function startGuard(folder: string): Promise<void> {
  await new Deno.Command("sh", {
    args: ["-c", 'sh "$@" &', "sh", `${import.meta.dirname}/guard.sh`, String(Deno.pid), folder],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
}
