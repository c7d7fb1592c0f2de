/**
 * Puts quotes around the numeric keys of objects, which RocketMQ's servers write bare:
 * `{0:"10.0.0.1:10911"}`. Text inside of strings is left alone. Takes time linear in the length.
 */
export function quoteNumericKeys(text: string): string {
  let quoted = "";
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === "{" || char === ",") {
      const start = skipSpace(text, at + 1);
      const end = endOfInteger(text, start);
      if (end > start && text[skipSpace(text, end)] === ":") {
        quoted += `${text.slice(copied, start)}"${text.slice(start, end)}"`;
        copied = end;
      }
      at = end - 1;
    }
  }
  return quoted + text.slice(copied);
}

/** The position of the closing quote of the string that begins at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === "\\") end++;
    else if (text[end] === '"') return end;
  }
  return text.length;
}

function skipSpace(text: string, at: number): number {
  for (;; at++) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return at;
  }
}

function endOfInteger(text: string, start: number): number {
  let end = text[start] === "-" ? start + 1 : start;
  const digits = end;
  while (text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++;
  return end > digits ? end : start;
}
