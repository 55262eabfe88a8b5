// Compiles the JSONPath of kubectl and finds the strings that it names in an object. The path is translated to RFC 9535 for json-p3.
//
// Paths are written by users, so the work must stay linear in the size of the object. Therefore `..`, lists in brackets, and paths in
// filters that are not relative to `@` are refused: nested, each of them can visit the object's fields again and again.
import { jsonpath } from 'json-p3';
import { truncate } from '../../lib/sanitize.ts';

/** The message says what is wrong and where, as part of a sentence. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

export interface JsonPath {
  /** The path begins with `.metadata`, so the object's metadata are enough. */
  readonly readsOnlyMetadata: boolean;
  /** The distinct strings that the path names, at most 100, each cut at 100 characters. Values of other types are ignored. */
  valuesOf(object: object): readonly string[];
}

const maxPathChars = 256;
const maxValues = 100;
const maxValueChars = 100;

type JsonValue = Parameters<typeof jsonpath.query>[1];

/** Throws a {@link JsonPathError} if it is no path, or one that is not supported. */
export function compileJsonPath(text: string): JsonPath {
  if (text.length > maxPathChars) throw new JsonPathError(`longer than ${maxPathChars} characters`);
  const { path, firstField } = translate(text);
  const query = compile(path);
  return {
    readsOnlyMetadata: firstField === 'metadata',
    valuesOf(object) {
      const values = new Set<string>();
      for (const { value } of query.lazyQuery(object as JsonValue)) {
        if (typeof value === 'string') values.add(cut(value));
        if (values.size >= maxValues) break;
      }
      return [...values];
    },
  };
}

/** Copies what it keeps: V8 would keep the whole text, which may be 1 MB of a ConfigMap, for the sake of its beginning. */
function cut(text: string): string {
  if (text.length <= maxValueChars) return text;
  return Buffer.from(truncate(text, maxValueChars), 'utf16le').toString('utf16le');
}

function compile(path: string) {
  try {
    return jsonpath.compile(path);
  } catch (error) {
    throw new JsonPathError(error instanceof Error ? error.message : String(error));
  }
}

// What stands at a position. None of them can backtrack.
const space = /\s*/y;
/** kubectl escapes a dot in a name: `topology\.kubernetes\.io/region`. */
const field = /(?:\\.|[^\s\\.,:[\]$@{}()|?*'"=!<>])+/y;
const quoted = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"/y;
const integer = /0|-?[1-9]\d{0,8}/y;
const slice = /(?:0|-?[1-9]\d{0,8})?\s*:\s*(?:0|-?[1-9]\d{0,8})?(?:\s*:\s*(?:0|-?[1-9]\d{0,8})?)?/y;
const comparison = /[=!<>]=|[<>]/y;
const literal = /-?(?:0|[1-9]\d{0,8})(?:\.\d{1,9})?(?![\w.])|(?:true|false|null)(?!\w)/y;

class Scanner {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text that matches here, which is then passed; undefined if nothing does. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0];
    this.#position += found?.length ?? 0;
    return found;
  }

  isAt(text: string): boolean {
    return this.#text.startsWith(text, this.#position);
  }

  skip(text: string): boolean {
    if (!this.isAt(text)) return false;
    this.#position += text.length;
    return true;
  }

  expect(text: string): void {
    if (!this.skip(text)) this.fail(`expected ${text}`);
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#text.length;
  }

  fail(why: string): never {
    throw new JsonPathError(`${why} at character ${this.#position + 1}`);
  }
}

/** Accepts what `kubectl get -o custom-columns` accepts: `{.a.b}`, `.a.b`, `a.b` and `$.a.b`. */
function translate(text: string): { readonly path: string; readonly firstField: string | undefined } {
  const scanner = new Scanner(text);
  scanner.take(space);
  const isBraced = scanner.skip('{');
  scanner.take(space);
  if (!scanner.skip('$')) scanner.skip('@');
  let path = '$';
  const first = scanner.take(field);
  if (first !== undefined) path += nameSelector(first);
  let firstField = first === undefined ? undefined : unescaped(first);
  for (scanner.take(space); !scanner.isAtEnd && !scanner.isAt('}'); scanner.take(space)) {
    const { selector, name } = translateSegment(scanner);
    if (path === '$') firstField = name;
    path += selector;
  }
  if (path === '$') scanner.fail('a field is missing');
  if (isBraced) scanner.expect('}');
  scanner.take(space);
  if (!scanner.isAtEnd) scanner.fail('unexpected text');
  return { path, firstField };
}

interface Segment {
  readonly selector: string;
  /** Undefined if it is not the name of a field. */
  readonly name?: string;
}

function translateSegment(scanner: Scanner): Segment {
  if (scanner.isAt('..')) scanner.fail('".." is not supported, name the fields instead');
  if (scanner.skip('.')) {
    if (scanner.skip('*')) return { selector: '[*]' };
    const name = scanner.take(field);
    if (name !== undefined) return { selector: nameSelector(name), name: unescaped(name) };
    return scanner.skip('[') ? translateBrackets(scanner) : scanner.fail('a field is missing');
  }
  scanner.expect('[');
  return translateBrackets(scanner);
}

/** After the opening bracket. */
function translateBrackets(scanner: Scanner): Segment {
  scanner.take(space);
  const segment = translateSelector(scanner);
  scanner.take(space);
  if (scanner.isAt(',')) scanner.fail('a list in brackets is not supported');
  scanner.expect(']');
  return segment;
}

function translateSelector(scanner: Scanner): Segment {
  if (scanner.skip('*')) return { selector: '[*]' };
  if (scanner.skip('?')) return { selector: translateFilter(scanner) };
  const name = scanner.take(quoted)?.slice(1, -1);
  if (name !== undefined) return { selector: nameSelector(name), name: unescaped(name) };
  const range = scanner.take(slice) ?? scanner.take(integer);
  return range === undefined
    ? scanner.fail('expected a name in quotes, a number, * or ?(…)')
    : { selector: `[${range}]` };
}

/** After the question mark: `(@.name=="location")`, or `(@.name)` for "has a name". */
function translateFilter(scanner: Scanner): string {
  scanner.expect('(');
  scanner.take(space);
  scanner.expect('@');
  let path = '@';
  for (;;) {
    if (scanner.skip('.')) path += nameSelector(scanner.take(field) ?? scanner.fail('a field is missing'));
    else if (scanner.skip('[')) path += translateBracketsInFilter(scanner);
    else break;
  }
  scanner.take(space);
  const operator = scanner.take(comparison);
  if (operator === undefined) {
    scanner.expect(')');
    return `[?${path}]`;
  }
  scanner.take(space);
  const text = scanner.take(quoted)?.slice(1, -1);
  const value = text === undefined ? scanner.take(literal) : JSON.stringify(unescaped(text));
  scanner.take(space);
  if (value === undefined) scanner.fail('expected a text in quotes, a number, true, false or null');
  scanner.expect(')');
  return `[?${path}${operator}${value}]`;
}

function translateBracketsInFilter(scanner: Scanner): string {
  const name = scanner.take(quoted)?.slice(1, -1);
  const selector = name === undefined ? scanner.take(integer) : JSON.stringify(unescaped(name));
  if (selector === undefined) scanner.fail('expected a name in quotes or a number');
  scanner.expect(']');
  return `[${selector}]`;
}

function nameSelector(escaped: string): string {
  return `[${JSON.stringify(unescaped(escaped))}]`;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}
