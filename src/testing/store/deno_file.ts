import type { AppendFile } from "./append_file.ts";

/** Opens a file with Deno; undefined when another process has it. Throws what Deno throws. */
export function openFile(folder: string, path: string): AppendFile | undefined {
  Deno.mkdirSync(folder, { recursive: true });
  const file = Deno.openSync(path, { read: true, write: true, create: true });
  if (!file.tryLockSync(true)) return void file.close();
  return {
    read: () => Deno.readFileSync(path),
    truncate(length): void {
      file.truncateSync(length);
      file.seekSync(0, Deno.SeekMode.End);
    },
    write: (bytes) => file.writeSync(bytes),
    close: () => file.close(),
  };
}
