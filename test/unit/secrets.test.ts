import { expect } from 'chai';
import { signedTail } from '../emulators/arm/signature.ts';
import { Tenant } from '../emulators/arm/tokens.ts';
import { linesWithSecrets } from '../secrets.ts';

describe('the search for secrets in logs', () => {
  const found = (line: string) => linesWithSecrets([line], ['s3cret']).length > 0;

  it('finds the tokens and signatures of the emulated Azure', () => {
    const tenant = new Tenant('tenant', ['https://arm'], () => 0);
    tenant.register({ clientId: 'client', secret: 's' });
    const form = {
      client_id: 'client',
      client_secret: 's',
      scope: 'https://arm/.default',
      grant_type: 'client_credentials',
    };
    const { body } = tenant.token('tenant', new URLSearchParams(form));
    expect(found(`{"token":"${body.access_token}"}`)).to.equal(true);
    expect(found(`https://arm/operations/1?api-version=1&${signedTail(0)}`)).to.equal(true);
    expect(found(signedTail(0).split('&')[1] ?? '')).to.equal(true);
  });

  it('finds the given secrets', () => {
    expect(found('got s3cret')).to.equal(true);
  });

  it('finds bearer tokens, and not their redaction', () => {
    expect(found('Authorization: Bearer abcdef')).to.equal(true);
    expect(found('Authorization: Bearer [removed]')).to.equal(false);
  });

  it('finds nothing in ordinary log lines', () => {
    expect(found('{"level":"info","msg":"japaneast: creating the replica","correlationId":"5d0b4d1e"}')).to.equal(
      false,
    );
  });
});
