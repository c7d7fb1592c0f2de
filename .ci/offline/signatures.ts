/** A part of what `deno doc --json` gives: its kind, and fields by the kind. */
// deno-lint-ignore no-explicit-any
type Node = any;

/** Signatures by name: `Logger` is a class, `Logger.debug` its method. Two are the same text, or differ. */
export type Signatures = Record<string, string>;

/** Types that only give a name to a type of TypeScript itself: two texts for one type. */
const ALIASES: Readonly<Record<string, string>> = { Uint8Array_: "Uint8Array<ArrayBuffer>" };

/**
 * Writes the signatures of all that a module exports, without names of parameters and without what is
 * private.
 */
export function describeExports(symbols: Node[]): Signatures {
  const signatures: Signatures = {};
  for (const { name, declarations } of symbols) {
    const all = withoutImplementation(declarations, (it: Node) => it.def?.hasBody);
    const described = all.map((it: Node) =>
      describe(it, name, signatures).replace("  ", " ").trim()
    );
    const own = described.filter((it: string) => it !== "reference");
    if (own.length > 0) signatures[name] = own.join("; ");
  }
  return signatures;
}

function describe({ kind, def }: Node, name: string, into: Signatures): string {
  switch (kind) {
    case "function":
      return `function ${call(def)}`;
    case "variable":
      return `${def.kind} ${type(def.tsType)}`;
    case "typeAlias":
      return `type ${typeParams(def.typeParams)}${type(def.tsType)}`;
    case "class":
      describeMembers(def, name, into);
      return `${def.isAbstract ? "abstract " : ""}class ${typeParams(def.typeParams)}` +
        (def.extends ? ` extends ${def.extends}${typeArguments(def.superTypeParams)}` : "");
    case "interface":
      describeMembers(def, name, into);
      return `interface ${typeParams(def.typeParams)}` +
        (def.extends?.length ? ` extends ${def.extends.map(type).join(", ")}` : "");
    default:
      return kind;
  }
}

function describeMembers(def: Node, name: string, into: Signatures): void {
  const { constructors = [], properties = [], methods = [] } = def;
  const isPublic = (member: Node) => member.accessibility !== "private";
  for (const { params } of constructors.filter(isPublic)) {
    into[`${name}.constructor`] = `new ${parameters(params)}`;
  }
  for (const property of properties.filter(isPublic)) {
    into[`${name}.${property.name}`] = `${modifiers(property)}: ${type(property.tsType)}`;
  }
  const byName = Object.groupBy(methods.filter(isPublic), (method: Node) => {
    return `${method.name}${/^[gs]etter$/.test(method.kind) ? ` (${method.kind})` : ""}`;
  });
  for (const [method, overloads = []] of Object.entries<Node[] | undefined>(byName)) {
    into[`${name}.${method}`] = withoutImplementation(
      overloads,
      (it) => (it.functionDef ?? it).hasBody,
    )
      .map((it) => `${modifiers(it)} ${call(it.functionDef ?? it)}`.trim()).join("; ");
  }
}

/** The overloads that callers see. */
function withoutImplementation(overloads: Node[], hasBody: (it: Node) => boolean): Node[] {
  const seen = overloads.filter((it) => !hasBody(it));
  return overloads.length > 1 && seen.length > 0 ? seen : overloads;
}

function modifiers(member: Node): string {
  const words = [
    member.accessibility === "protected" && "protected",
    member.isStatic && "static",
    member.isAbstract && "abstract",
    member.readonly && "readonly",
    member.optional && "optional",
  ];
  return words.filter(Boolean).join(" ");
}

function call({ typeParams: generics, params, returnType }: Node): string {
  return `${typeParams(generics)}${parameters(params)} => ${type(returnType)}`;
}

function parameters(params: Node[] = []): string {
  return `(${params.map(parameter).join(", ")})`;
}

function parameter(param: Node): string {
  if (param.kind === "assign") return `${type(param.left.tsType ?? param.tsType)}?`;
  if (param.kind === "rest") return `...${type(param.tsType ?? param.arg.tsType)}`;
  return `${type(param.tsType)}${param.optional ? "?" : ""}`;
}

function typeParams(params: Node[] = []): string {
  const each = params.map(({ name, constraint, default: fallback }) =>
    name + (constraint ? ` extends ${type(constraint)}` : "") +
    (fallback ? ` = ${type(fallback)}` : "")
  );
  return each.length > 0 ? `<${each.join(", ")}>` : "";
}

function typeArguments(params: Node[] = []): string {
  return params.length > 0 ? `<${params.map(type).join(", ")}>` : "";
}

/** The text of a type; `_` where it is left to the compiler. */
function type(tsType: Node): string {
  if (!tsType) return "_";
  const { kind, value } = tsType;
  switch (kind) {
    case "keyword":
      return value;
    case "literal":
      return value.kind === "bigInt" ? `${value.string}n` : JSON.stringify(value[value.kind]);
    case "typeRef":
      return ALIASES[value.typeName] ?? value.typeName + typeArguments(value.typeParams);
    case "array":
      return `${type(value)}[]`;
    case "parenthesized":
      return `(${type(value)})`;
    case "union":
      return value.map(type).join(" | ");
    case "intersection":
      return value.map(type).join(" & ");
    case "fnOrConstructor":
      return `${value.constructor ? "new " : ""}${typeParams(value.typeParams)}` +
        `${parameters(value.params)} => ${type(value.tsType)}`;
    case "typeOperator":
      return `${value.operator} ${type(value.tsType)}`;
    case "typeQuery":
      return `typeof ${value}`;
    case "indexedAccess":
      return `${type(value.objType)}[${type(value.indexType)}]`;
    case "typePredicate":
      return `${value.asserts ? "asserts " : ""}it${value.type ? ` is ${type(value.type)}` : ""}`;
    case "conditional":
      return `${type(value.checkType)} extends ${type(value.extendsType)} ? ` +
        `${type(value.trueType)} : ${type(value.falseType)}`;
    case "typeLiteral":
      return literal(value);
    default:
      throw new Error(`Cannot write a type of the kind ${kind}: ${JSON.stringify(value)}`);
  }
}

function literal({ properties = [], indexSignatures = [], methods = [] }: Node): string {
  const members = [
    ...indexSignatures.map((it: Node) => `[${parameters(it.params)}]: ${type(it.tsType)}`),
    ...properties.map((it: Node) => `${it.name}${it.optional ? "?" : ""}: ${type(it.tsType)}`),
    ...methods.map((it: Node) => `${it.name}: ${call(it)}`),
  ];
  return `{ ${members.join(", ")} }`;
}
