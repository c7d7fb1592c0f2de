/** How a {@linkcode TextLineStream} divides. */
export interface TextLineStreamOptions {
  /** A carriage return alone ends a line, too. */
  allowCR?: boolean;
}

/** Divides text at line breaks, `\n` and `\r\n`; what follows the last one is a line unless empty. */
export class TextLineStream extends TransformStream<string, string> {
  constructor(options: TextLineStreamOptions = { allowCR: false }) {
    // A carriage return at the end of a chunk may be the first half of a line break.
    const lineBreak = options.allowCR ? /\r\n|\n|\r(?=[^])/ : /\r?\n/;
    let rest = "";
    super({
      transform(chunk, controller) {
        const lines = (rest + chunk).split(lineBreak);
        rest = lines.pop()!;
        for (const line of lines) controller.enqueue(line);
      },
      flush(controller) {
        const last = options.allowCR ? rest.replace(/\r$/, "") : rest;
        if (rest !== "") controller.enqueue(last);
      },
    });
  }
}
