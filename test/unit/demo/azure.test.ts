import { expect } from 'chai';
import { summaryOf } from '../../demo/azure.ts';
import { guideText } from '../../demo/guide.ts';

describe('the summary of writes to Azure', () => {
  const put = (replica: string, location = replica) => ({ method: 'PUT', replica, body: { location } });

  it('counts them by method', () => {
    expect(summaryOf([put('japaneast'), put('westeurope')], 'eastus')).to.equal(
      'Azure saw 2 PUTs, none for eastus (home).',
    );
    expect(summaryOf([put('japaneast'), { method: 'DELETE', replica: 'japaneast' }], 'eastus')).to.equal(
      'Azure saw 1 PUT and 1 DELETE, none for eastus (home).',
    );
    expect(summaryOf([], 'eastus')).to.equal('Azure saw no writes, none for eastus (home).');
  });

  it('counts writes to the home region, whatever the replica name', () => {
    expect(summaryOf([put('EastUS'), put('other', 'East US'), put('japaneast')], 'eastus')).to.equal(
      'Azure saw 3 PUTs, 2 for eastus (home).',
    );
  });
});

describe('the guide', () => {
  const where = {
    kubeconfig: '.demo/kubeconfig',
    namespace: 'registries',
    name: 'myacr0007',
    curlConfig: '.demo/azure.curl',
    registryUrl: 'https://127.0.0.1:1/registries/myACR0007',
    log: '.demo/operator.log',
    hasKubectl: true,
  };

  it('shows the kubeconfig and every command worth trying', () => {
    const text = guideText(where);
    expect(text).to.include('export KUBECONFIG=.demo/kubeconfig\n');
    for (const command of ['get georep -A\n', '-o wide', '-w\n', 'describe', 'edit', 'patch', 'wait', 'delete', 'curl'])
      expect(text).to.include(command);
  });

  it('quotes a path that a shell would split', () => {
    expect(guideText({ ...where, kubeconfig: "/it's mine/config" })).to.include(
      `export KUBECONFIG='/it'\\''s mine/config'`,
    );
  });

  it('says where to get kubectl if there is none', () => {
    expect(guideText({ ...where, hasKubectl: false })).to.include('https://kubernetes.io/docs/tasks/tools');
  });
});
