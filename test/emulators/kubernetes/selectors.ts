// Label and field selectors in the API's whole grammar, compiled to predicates. Error messages are kube-apiserver's.
import { badRequest } from './status.ts';

export type Labels = Readonly<Record<string, string>>;
export type Matches = (values: Labels) => boolean;

const everything: Matches = () => true;

const namePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const prefixPart = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The API's error messages for a qualified name (`prefix/name`, as label keys are); empty if it is valid. */
export function qualifiedNameErrors(name: string): string[] {
  const slash = name.indexOf('/');
  const prefix = slash < 0 ? undefined : name.slice(0, slash);
  const rest = name.slice(slash + 1);
  const errors: string[] = [];
  if (prefix !== undefined && (!prefixPart.test(prefix) || prefix.length > 253)) {
    errors.push(
      "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with " +
        "an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    );
  }
  if (rest === '') errors.push('name part must be non-empty');
  if (rest.length > 63) errors.push('name part must be no more than 63 bytes');
  if (!namePart.test(rest)) {
    errors.push(
      "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
        "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    );
  }
  return errors;
}

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2`; an empty selector matches everything. */
export function labelSelector(text: string): Matches {
  const tokens = text.match(/!=|==|[=!<>(),]|[^\s=!<>(),]+/g) ?? [];
  if (!tokens.length) return everything;
  const requirements: Matches[] = [];
  let at = 0;
  const expect = (wanted: string) => {
    const found = tokens[at++];
    if (found !== wanted) throw badRequest(`unable to parse requirement: found '${found ?? ''}' expected: '${wanted}'`);
  };
  const word = (): string => {
    const found = tokens[at] ?? '';
    if (!found || /^[=!<>(),]/.test(found)) {
      throw badRequest(`unable to parse requirement: found '${found}', expected: identifier`);
    }
    at++;
    return found;
  };
  const key = (): string => {
    const name = word();
    const error = qualifiedNameErrors(name)[0];
    if (error) throw badRequest(`unable to parse requirement: invalid label key ${JSON.stringify(name)}: ${error}`);
    return name;
  };
  /** A value may be empty: `a=` matches the empty label. */
  const value = (): string => (at >= tokens.length || tokens[at] === ',' ? '' : word());
  const set = (): Set<string> => {
    expect('(');
    const values = new Set<string>();
    while (tokens[at] !== ')') {
      if (at >= tokens.length) expect(')');
      if (tokens[at] === ',') at++;
      else values.add(word());
    }
    expect(')');
    return values;
  };
  const number = (): number => {
    const found = value();
    if (!/^-?\d+$/.test(found)) {
      throw badRequest(
        `unable to parse requirement: values[0][${found}]: Invalid value: "${found}": for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
    return Number(found);
  };
  const requirement = (): Matches => {
    if (tokens[at] === '!') {
      at++;
      const name = key();
      return (labels) => !(name in labels);
    }
    const name = key();
    const operator = tokens[at] ?? ',';
    if (operator === ',') return (labels) => name in labels;
    at++;
    switch (operator) {
      case '=':
      case '==': {
        const wanted = value();
        return (labels) => labels[name] === wanted;
      }
      case '!=': {
        const unwanted = value();
        return (labels) => labels[name] !== unwanted;
      }
      case 'in': {
        const wanted = set();
        return (labels) => name in labels && wanted.has(labels[name] ?? '');
      }
      case 'notin': {
        const unwanted = set();
        return (labels) => !(name in labels) || !unwanted.has(labels[name] ?? '');
      }
      case '>': {
        const bound = number();
        return (labels) => Number(labels[name] ?? Number.NaN) > bound;
      }
      case '<': {
        const bound = number();
        return (labels) => Number(labels[name] ?? Number.NaN) < bound;
      }
      default:
        throw badRequest(
          `unable to parse requirement: found '${operator}', expected: in, notin, =, ==, !=, gt, lt, ! or empty`,
        );
    }
  };
  for (;;) {
    requirements.push(requirement());
    if (at >= tokens.length) break;
    expect(',');
  }
  return (labels) => requirements.every((matches) => matches(labels));
}

/** `a=b,c==d,e!=f` over the fields in `supported`; other fields are refused, as by the API. */
export function fieldSelector(text: string, supported: readonly string[]): Matches {
  const terms = text.split(',').filter((term) => term !== '');
  if (!terms.length) return everything;
  const requirements = terms.map((term): Matches => {
    const parts = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (!parts) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = '', operator, wanted = ''] = parts;
    if (!supported.includes(field)) throw badRequest(`field label not supported: ${field}`);
    return operator === '!='
      ? (fields) => (fields[field] ?? '') !== wanted
      : (fields) => (fields[field] ?? '') === wanted;
  });
  return (fields) => requirements.every((matches) => matches(fields));
}
