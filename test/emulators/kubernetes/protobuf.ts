// Protobuf's wire format, as much of it as an OpenAPI document takes: fields that are texts, messages, or true.

/** The encoded fields of one message; concatenated, they are the message. */
export type Fields = Buffer;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/** A text, or a message made of fields, under a field number. */
export function field(number: number, content: string | readonly Fields[]): Fields {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.concat(content);
  // wire type 2: length-delimited
  return Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes]);
}

/** The boolean true under a field number; false is left out, as proto3 does. */
export function yes(number: number): Fields {
  return Buffer.from([...varint(number << 3), 1]);
}
