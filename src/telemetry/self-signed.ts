// A certificate that nobody has signed but its own key, made in memory: for a server whose clients want encryption and cannot, or
// do not care to, check who answers. node:crypto signs and reads X.509 but does not write it, so its DER is written here: one
// fixed shape of RFC 5280, which costs less than the half megabyte of a library that can write every shape.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  /** PEM */
  readonly cert: string;
  /** PEM, PKCS#8 */
  readonly key: string;
}

/** As long as nobody checks it, a short life would only break servers that run for long. */
const years = 10;

/** For this host name, on the curve P-256, good from an hour ago on, for clocks that are behind. */
export function selfSigned(host: string, now: Date): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const from = new Date(now.getTime() - 3_600_000);
  const to = new Date(now);
  to.setUTCFullYear(now.getUTCFullYear() + years);
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const commonName = oid(0x55, 0x04, 0x03);
  // 64 characters is the bound of a common name; the whole name is in the extension.
  const name = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(host.slice(0, 64))))));
  const altNames = sequence(der(0x82, Buffer.from(host, 'latin1')));
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // X.509 version 3
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ecdsaWithSha256,
    name,
    sequence(time(from), time(to)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(oid(0x55, 0x1d, 0x11), der(0x04, altNames)))),
  );
  const signature = sign('sha256', signed, privateKey);
  const certificate = sequence(signed, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Tag, length, content: ITU-T X.690. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const bytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...bytes), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

/** An object identifier, encoded already. */
function oid(...bytes: number[]): Buffer {
  return der(0x06, Buffer.of(...bytes));
}

/** With two digits for the year up to 2049, with four from then on: RFC 5280 wants it so. */
function time(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}
