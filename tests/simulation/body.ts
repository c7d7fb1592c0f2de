const encoder = new TextEncoder();

/** The body of a message: the same bytes for the same name, and such as can be compressed. */
export function bodyOf(name: string, size = 0): Uint8Array {
  const text = `order of ${name};`;
  return encoder.encode(
    size === 0 ? text.slice(0, -1) : text.repeat(Math.ceil(size / text.length)),
  );
}
