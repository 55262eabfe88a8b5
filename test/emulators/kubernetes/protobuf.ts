// The part of protobuf's wire format that the emulator needs: fields of type string, message, or the boolean true.
import { badRequest } from './status.ts';

/** The encoded fields of a message; concatenated, they form the message. */
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

/** A string or a message under a field number. */
export function field(number: number, content: string | readonly Fields[]): Fields {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.concat(content);
  // Wire type 2: length-delimited.
  return Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes]);
}

/** The boolean true under a field number; proto3 omits false. */
export function yes(number: number): Fields {
  return Buffer.from([...varint(number << 3), 1]);
}

/** The strings and messages of a message by field number; numbers are skipped. */
export type ReadFields = ReadonlyMap<number, Buffer[]>;

export function readFields(message: Buffer): ReadFields {
  const fields = new Map<number, Buffer[]>();
  let at = 0;
  const next = (): number => {
    const byte = message[at++];
    if (byte === undefined) throw badRequest('the protobuf message ends in the middle of a field');
    return byte;
  };
  const number = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = next();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = number();
    switch (key & 7) {
      case 0:
        number();
        break;
      case 2: {
        const length = number();
        if (at + length > message.length) throw badRequest('the protobuf message ends in the middle of a field');
        const found = fields.get(key >>> 3) ?? [];
        fields.set(key >>> 3, [...found, message.subarray(at, at + length)]);
        at += length;
        break;
      }
      default:
        throw badRequest(`the protobuf message has a field of wire type ${key & 7}`);
    }
  }
  return fields;
}
