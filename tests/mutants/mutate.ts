/** One change of meaning in one line. */
export interface Mutation {
  /** What is changed, in a few words. */
  readonly operator: string;
  /** The line as it is then. */
  readonly line: string;
}

/** A line of code with everything that could be changed in it. */
export interface MutableLine {
  /** Index of the line, from 0. */
  readonly index: number;
  readonly text: string;
  readonly mutations: readonly Mutation[];
}

/** The lines of a TypeScript file whose meaning can be changed, types and imports left out. */
export function mutableLines(source: string): MutableLine[] {
  const lines = source.split("\n"), code = maskLiterals(source).split("\n");
  const isCode = codeLines(code);
  return lines.flatMap((text, index) => {
    if (!isCode[index]) return [];
    const mutations = mutationsOf(text, code[index]!);
    return mutations.length === 0 ? [] : [{ index, text, mutations }];
  });
}

/** Words that stand for each other's opposite, or for something that a caller must not be told. */
const STATES: Readonly<Record<string, string>> = {
  COMMIT: "ROLLBACK",
  ROLLBACK: "COMMIT",
  UNKNOWN: "COMMIT",
  confirmed: "failed",
  failed: "confirmed",
  sent: "confirmed",
  indeterminate: "failed",
  oneway: "confirm",
};

const SWAPS:
  readonly (readonly [operator: string, pattern: RegExp, by: (found: string) => string])[] = [
    ["swap && and ||", /(?<= )(?:&&|\|\|)(?= |$)/g, (found) => found === "&&" ? "||" : "&&"],
    ["turn an equality", /(?<= )[!=]==(?= |$)/g, (found) => found === "===" ? "!==" : "==="],
    ["move a bound", /(?<= )[<>]=?(?= )/g, (found) => found.length > 1 ? found[0]! : `${found}=`],
    ["turn a comparison", /(?<= )[<>]=?(?= )/g, (found) => found.startsWith("<") ? ">" : "<"],
    ["turn a sign", /(?<=[\w)\]] )[+\-](?= [\w(])/g, (found) => found === "+" ? "-" : "+"],
    ["count the other way", /\+\+|--/g, (found) => found === "++" ? "--" : "++"],
    ["add the other way", /(?<= )[+-]=(?= )/g, (found) => found === "+=" ? "-=" : "+="],
    [
      "one more",
      /(?<![\w.$"#])\d[\d_]*(?![\w."])/g,
      (found) => String(Number(found.replaceAll("_", "")) + 1),
    ],
    [
      "turn a boolean",
      /(?<![\w.])(?:true|false)\b/g,
      (found) => found === "true" ? "false" : "true",
    ],
    [
      "swap min and max",
      /\bMath\.(?:min|max)\b/g,
      (found) => found === "Math.min" ? "Math.max" : "Math.min",
    ],
    [
      "swap some and every",
      /\.(?:some|every)(?=\()/g,
      (found) => found === ".some" ? ".every" : ".some",
    ],
  ];

/** Everything that can be changed in a line; `code` is it without the contents of its strings. */
export function mutationsOf(text: string, code: string): Mutation[] {
  const found: Mutation[] = [];
  const add = (operator: string, line: string) => {
    if (line !== text) found.push({ operator, line });
  };
  for (const [operator, pattern, by] of SWAPS) {
    for (const match of code.matchAll(pattern)) {
      const { index } = match, end = index + match[0].length;
      add(operator, text.slice(0, index) + by(match[0]) + text.slice(end));
    }
  }
  for (const match of text.matchAll(/"(\w+)"/g)) {
    const other = STATES[match[1]!];
    if (other === undefined || code[match.index] !== '"') continue;
    const rest = text.slice(match.index + match[0].length);
    add("swap a state", `${text.slice(0, match.index)}"${other}"${rest}`);
  }
  const condition = conditionIn(code);
  if (condition) {
    const [from, to] = condition, rest = text.slice(to + 1);
    add("negate a condition", `${text.slice(0, from)}!(${text.slice(from, to)})${text.slice(to)}`);
    if (/^ [^{]*;$/.test(code.slice(to + 1)) && rest.trim() !== ";") {
      add("leave a branch empty", `${text.slice(0, to + 1)} {}`);
    }
  }
  const indent = text.match(/^ */)![0];
  if (isCall(code)) add("drop a call", `${indent};`);
  if (/^ *await /.test(code) && code.endsWith(";")) add("do not wait", text.replace("await ", ""));
  if (/\): (?:void|Promise<void>) \{$/.test(code)) add("return early", `${text} return;`);
  return found;
}

/** Where the condition of an `if` or `while` stands, when it begins and ends in this line. */
function conditionIn(code: string): [from: number, to: number] | undefined {
  const match = /\b(?:if|while) \(/.exec(code);
  if (!match) return undefined;
  const from = match.index + match[0].length;
  const to = closing(code, from - 1);
  return to === undefined ? undefined : [from, to];
}

/** The place of the parenthesis that closes the one at a place. */
function closing(code: string, open: number): number | undefined {
  for (let at = open, depth = 0; at < code.length; at++) {
    if (code[at] === "(") depth++;
    else if (code[at] === ")" && --depth === 0) return at;
  }
  return undefined;
}

/** Whether a line is nothing but a call. */
function isCall(code: string): boolean {
  const match = /^ *(?:await |void )?(?:this|[a-z][\w]*)?[\w.#?!]*\(/.exec(code);
  if (!match || /^ *(?:super|return|throw|if|for|while|switch)\b/.test(code)) return false;
  return closing(code, match[0].length - 1) === code.length - 2 && code.endsWith(");");
}

/** Which lines are statements: no import, no type, no comment. */
function codeLines(code: readonly string[]): boolean[] {
  let inside = false;
  return code.map((line) => {
    if (
      !inside &&
      /^(?:import|export \{|export \*|export type|type|(?:export )?interface)\b/.test(line)
    ) {
      inside = !/;$|\}$/.test(line) || line.endsWith("{");
      return false;
    }
    if (inside) {
      if (/^\S*.*;$/.test(line) && !line.startsWith(" ") || line === "}") inside = false;
      return false;
    }
    return line.trim() !== "";
  });
}

const BEFORE_REGEXP = /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of))\s*$/;

/** The same text with the contents of comments, strings, templates and patterns left blank. */
export function maskLiterals(text: string): string {
  const masked = text.split("");
  const blank = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (masked[i] !== "\n") masked[i] = " ";
  };
  for (let at = 0; at < text.length;) {
    const start = at, char = text[at]!;
    if (text.startsWith("//", at)) {
      at = endOf(text, "\n", at);
      blank(start, at);
    } else if (text.startsWith("/*", at)) {
      at = endOf(text, "*/", at) + 2;
      blank(start, at);
    } else if (char === '"' || char === "'" || char === "`") {
      at = closingQuote(text, at);
      blank(start + 1, at);
      at++;
    } else if (
      char === "/" && BEFORE_REGEXP.test(masked.slice(Math.max(0, at - 20), at).join(""))
    ) {
      const [found] = /^\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//.exec(text.slice(at)) ??
        ["/"];
      at += found.length;
      if (found.length > 1) blank(start + 1, at - 1);
    } else at++;
  }
  return masked.join("");
}

function endOf(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from);
  return at < 0 ? text.length : at;
}

/** Where a string or template ends; a template with what stands in its braces. */
function closingQuote(text: string, from: number): number {
  const quote = text[from]!;
  for (let at = from + 1, depth = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (quote === "`" && text.startsWith("${", at)) depth++;
    else if (depth > 0 && text[at] === "}") depth--;
    else if (text[at] === quote && depth === 0) return at;
  }
  return text.length;
}
