// JSONPath for printer columns: members, indices, wildcards, descent, and filters that compare a path with a literal.
import { isJsonObject, type Json } from './object.ts';

type Step = (values: Json[]) => Json[];

const pattern =
  /^(?:\.\.(?<deep>[\w-]+)|\.(?<star>\*)|\.(?<name>(?:\\.|[^.[\]])+)|\['(?<quoted>[^']*)'\]|\["(?<doubled>[^"]*)"\]|\[(?<index>-?\d+)\]|\[(?<all>\*)\]|\[\?\((?<filter>.*?)\)\])/;

/** Finds all values at `path` (such as `.status.conditions[?(@.type=="Ready")].message`); throws on a syntax error. */
export function compileJsonPath(path: string): (root: Json) => Json[] {
  const steps: Step[] = [];
  let rest = path.replace(/^\{|\}$/g, '').replace(/^\$/, '');
  while (rest !== '') {
    const found = pattern.exec(rest);
    if (!found?.groups) throw new Error(`unrecognized JSONPath at "${rest}"`);
    steps.push(stepFor(found.groups));
    rest = rest.slice(found[0].length);
  }
  return (root) => steps.reduce((values, step) => step(values), [root]);
}

function stepFor(groups: Record<string, string | undefined>): Step {
  const { deep, star, all, index, filter } = groups;
  if (deep !== undefined) return (values) => values.flatMap((value) => descend(value, deep));
  if (star !== undefined || all !== undefined) return (values) => values.flatMap(children);
  if (index !== undefined) {
    const n = Number(index);
    return (values) => values.flatMap((value) => present(Array.isArray(value) ? value.at(n) : undefined));
  }
  if (filter !== undefined) {
    const matches = compileFilter(filter);
    return (values) => values.flatMap((value) => (Array.isArray(value) ? value.filter(matches) : []));
  }
  const name = (groups.quoted ?? groups.doubled ?? groups.name ?? '').replace(/\\(.)/g, '$1');
  return (values) => values.flatMap((value) => present(isJsonObject(value) ? value[name] : undefined));
}

const present = (value: Json | undefined): Json[] => (value === undefined ? [] : [value]);

function children(value: Json): Json[] {
  if (Array.isArray(value)) return value;
  return isJsonObject(value) ? Object.values(value).flatMap(present) : [];
}

function descend(value: Json, name: string): Json[] {
  const here = isJsonObject(value) ? present(value[name]) : [];
  return [...here, ...children(value).flatMap((member) => descend(member, name))];
}

const comparison = /^\s*@(?<path>.*?)\s*(?:(?<operator>==|!=|<=|>=|<|>)\s*(?<literal>.+?))?\s*$/s;

function compileFilter(text: string): (item: Json) => boolean {
  const { path = '', operator, literal = '' } = comparison.exec(text)?.groups ?? {};
  const find = compileJsonPath(path);
  if (operator === undefined) return (item) => find(item).length > 0;
  const wanted = parseLiteral(literal);
  return (item) => {
    const found = find(item)[0];
    if (found === undefined || typeof found !== typeof wanted) return false;
    switch (operator) {
      case '==':
        return found === wanted;
      case '!=':
        return found !== wanted;
      default:
        return ordered(found, wanted, operator);
    }
  };
}

function ordered(a: Json, b: Json, operator: string): boolean {
  if (a === null || b === null) return false;
  const order = a < b ? -1 : a > b ? 1 : 0;
  if (order === 0) return operator.endsWith('=');
  return order < 0 === operator.startsWith('<');
}

function parseLiteral(text: string): string | number | boolean {
  const quoted = /^(["'])(.*)\1$/s.exec(text);
  if (quoted) return quoted[2] ?? '';
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  if (Number.isNaN(number)) throw new Error(`unrecognized literal ${text} in a JSONPath filter`);
  return number;
}
