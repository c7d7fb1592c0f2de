import { dirname } from "node:path";

/** Bytes of a header, and of what a file's length is rounded up to. */
const BLOCK = 512;

/** Unpacks a `.tgz` as npm does: regular files, without the first folder of their paths. */
export async function unpackTarball(tarball: string, folder: string): Promise<void> {
  const { body } = new Response(await Deno.readFile(tarball));
  const unzipped = body!.pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(unzipped).arrayBuffer());
  const text = (start: number, size: number) =>
    new TextDecoder().decode(bytes.subarray(start, start + size)).replace(/\0.*$/s, "");
  for (let at = 0; at + BLOCK <= bytes.length && bytes[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8), type = text(at + 156, 1);
    const path = [text(at + 345, 155), text(at, 100)].filter((part) => part !== "").join("/");
    if (type === "0" || type === "") {
      const target = `${folder}/${path.slice(path.indexOf("/") + 1)}`;
      await Deno.mkdir(dirname(target), { recursive: true });
      await Deno.writeFile(target, bytes.subarray(at + BLOCK, at + BLOCK + size));
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
