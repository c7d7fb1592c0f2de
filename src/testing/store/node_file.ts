import { loadNodeFs } from "../../runtime.ts";
import type { AppendFile } from "./append_file.ts";

/**
 * Opens a file with `node:fs`; undefined when another process has it. There are no locks of files
 * there, so a file beside it names the process that has it, and is ignored when that is gone.
 */
export function openFile(folder: string, path: string): AppendFile | undefined {
  const fs = loadNodeFs(), lock = `${path}.lock`;
  fs.mkdirSync(folder, { recursive: true });
  if (!takeLock(lock)) return undefined;
  try {
    const file = fs.openSync(path, "a+");
    return {
      read: () => fs.readFileSync(path),
      truncate: (length) => fs.ftruncateSync(file, length),
      write: (bytes) => fs.writeSync(file, bytes),
      close(): void {
        fs.closeSync(file);
        fs.rmSync(lock, { force: true });
      },
    };
  } catch (error) {
    fs.rmSync(lock, { force: true });
    throw error;
  }
}

function takeLock(lock: string): boolean {
  const fs = loadNodeFs(), own = String(globalThis.process.pid);
  for (let tries = 0; tries < 2; tries++) {
    try {
      fs.writeFileSync(lock, own, { flag: "wx" });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
      if (isRunning(Number(fs.readFileSync(lock, "utf8")))) return false;
      fs.rmSync(lock, { force: true });
    }
  }
  return false;
}

function isRunning(pid: number): boolean {
  // It was made and not written yet: by a process that runs.
  if (pid === 0) return true;
  try {
    return globalThis.process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}
