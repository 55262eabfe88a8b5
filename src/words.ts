// Makes words that others wrote (ARM, Entra, the API server, the network) fit to be shown in a status, an event or a log:
// one line, bounded, without secrets, and the same each time the same thing happens. It never changes what they say otherwise.

/** Far more than is ever shown, so that a megabyte of message costs nothing. */
const readAtMost = 16_384;

/**
 * One line of at most `limit` characters. Control and format characters (newlines, terminal escapes, bidirectional overrides) become
 * blanks; the query of every URL goes, since ARM signs its operation URLs there; so do bearer tokens, JWTs and named secrets;
 * so do the trace ids and times that Entra adds and ARM's countdown, which differ at each attempt and would make a steady failure flicker.
 */
export function oneLine(text: string, limit: number): string {
  const line = text
    .slice(0, readAtMost)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/(https?:\/\/[^\s?#'"<>]{1,512})[?#][^\s'"<>]*/gi, '$1')
    .replace(/\bBearer +[\w.~+/=-]+/gi, 'Bearer [removed]')
    .replace(/\beyJ[\w-]{8,}(\.[\w-]*){0,4}/g, '[removed]')
    .replace(/\b(sig|client_secret|client_assertion|access_token|refresh_token|password)=[^\s&'"]+/gi, '$1=[removed]')
    .replace(
      / ?-? ?\b(Trace ID|Correlation ID|Timestamp): ([\d-]{10} [\d:]{8}Z?|[0-9a-f-]{8,}|Not Available)[,.]?/gi,
      '',
    )
    .replace(/ ?Please try again after '?\d+'? seconds?\.?/gi, '')
    .trim();
  return cut(line, limit);
}

/** What was thrown, in its own words as they are. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** At most `limit` characters; that something was cut off shows. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // A cut in the middle of a pair would leave half a character.
  const kept = text.slice(0, Math.max(0, limit - 1)).replace(/[\uD800-\uDBFF]$/, '');
  return `${kept}…`.slice(0, limit);
}
