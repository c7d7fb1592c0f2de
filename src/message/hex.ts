const BYTES = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).toUpperCase().padStart(2, "0"),
);

/** The number in upper-case hexadecimal, its lowest `digits` digits. */
export function hexOf(value: number, digits: 2 | 4 | 8): string {
  let text = BYTES[value & 0xff]!;
  for (let shift = 8; shift < 4 * digits; shift += 8) text = BYTES[value >>> shift & 0xff] + text;
  return text;
}

/** The bytes in upper-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hexOf(byte, 2);
  return text;
}

/** The bytes of an id of 32 or 56 hexadecimal digits in either case, or undefined for other text. */
export function fromHexId(id: string): Uint8Array | undefined {
  if (!/^(?:[0-9a-f]{32}|[0-9a-f]{56})$/i.test(id)) return undefined;
  return Uint8Array.from(
    { length: id.length / 2 },
    (_, i) => parseInt(id.slice(2 * i, 2 * i + 2), 16),
  );
}
