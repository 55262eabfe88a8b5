// Removes secrets from foreign text (ARM, Entra, the API server, plugins) by the forms in which they occur: members of
// JSON and YAML, parameters of URLs, forms and connection strings, HTTP headers, and URLs with credentials.

/** Replaces a secret; the text around it stays readable. */
const removed = '[removed]';

/** Names with one of these endings hold a secret: AZURE_CLIENT_SECRET, dbPassword, X-Api-Key. */
const nameEnd = [
  'token',
  'secret',
  'password',
  'passwd',
  'pwd',
  'passphrase',
  'assertion',
  '(?:account|access|api|private|storage|subscription|shared)[_-]?key',
  'authorization',
  'cookie',
  'connection[_-]?string',
].join('|');
/** Names that hold a secret only if they are the whole name. */
const wholeName = 'sig|pass';

const secretName = new RegExp(`^(?:[\\w.-]*(?:${nameEnd})|sig)$`, 'i');

/** Whether a member of this name holds a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** An optional quote, escaped once or more if JSON is nested in JSON. */
const quote = String.raw`\\*["']`;
/** Up to the closing quote, or to the end of a truncated text; does not match an earlier replacement. */
const quotedValue = String.raw`"(?:\\.|[^"\\])*|'[^']*|(?<escape>\\+)"[\s\S]*?(?=(?<!\\)\k<escape>"|$)`;
const bareValue = String.raw`(?:(?:Basic|Bearer|Negotiate|Digest|SharedKey\w*|[|>][+-]?)\s+)?[^\s&;,'"<>]+`;
const notRemoved = String.raw`(?!\\*["']?\[removed)`;
const leftEdge = String.raw`(?<![\w.:/-])`;

const member = new RegExp(
  String.raw`(${leftEdge}[\w.-]{0,64}?(?:${nameEnd})(?:${quote})?\s*(?:[:=]|=>)\s*)${notRemoved}(${quotedValue}|${bareValue})`,
  'gi',
);
const parameter = new RegExp(`(${leftEdge}(?:${wholeName})=)${notRemoved}(${quotedValue}|${bareValue})`, 'gi');
const option = new RegExp(
  String.raw`((?<!\S)--[\w-]{0,64}?(?:${nameEnd})\s+)${notRemoved}(${quotedValue}|${bareValue})`,
  'gi',
);
/** A line of YAML or of HTTP headers, whose value extends to its end. */
const line = new RegExp(
  String.raw`^([ \t]*(?:- )?[\w.-]{0,64}?(?:${nameEnd}):[ \t]+)${notRemoved}([^"'\s|>].*)$`,
  'gim',
);

/** A word of prose after `token:` or `secret:`, as in "getToken: refused". */
const isProse = (head: string, value: string) =>
  /(?<![_-])(?:token|secret):\s*$/i.test(head) && /^[A-Za-z][a-z]{0,18}$/.test(value);

/** @param text without control characters except line breaks */
export function redact(text: string): string {
  const lines = text.includes('\n') ? text.replace(line, `$1${removed}`) : text;
  return lines
    .replace(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|$)/g, removed)
    .replace(/\b([a-z][a-z0-9+.-]{0,32}:\/\/)(?!\[removed)[^\s/?#'"<>]{1,1024}@/gi, `$1${removed}@`)
    .replace(member, (whole, head: string, value: string) => (isProse(head, value) ? whole : head + inPlaceOf(value)))
    .replace(option, (_, head: string, value: string) => head + inPlaceOf(value))
    .replace(parameter, (_, head: string, value: string) => head + inPlaceOf(value))
    .replace(/\b(Bearer)\s+(?!\[removed)[\w.~+/=-]+/gi, `$1 ${removed}`)
    .replace(/\b(Basic)\s+([A-Za-z0-9+/]{4,1024}={0,2})/gi, (whole, scheme: string, value: string) =>
      isUserAndPassword(value) ? `${scheme} ${removed}` : whole,
    )
    .replace(/\beyJ[\w-]{8,}(\.[\w-]*){0,4}/g, removed)
    .replace(/\b[\w~.-]{3}\dQ~[\w~.-]{31,34}/g, removed);
}

/** Includes the opening quote of the value; the closing one follows the match. */
function inPlaceOf(value: string): string {
  const opening = /^\\*["']/.exec(value)?.[0] ?? '';
  return opening + removed;
}

/** RFC 7617. "Basic" is also the name of a SKU, and most words are valid base64. */
function isUserAndPassword(value: string): boolean {
  return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(Buffer.from(value, 'base64').toString('latin1'));
}
