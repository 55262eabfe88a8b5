// The demo's final text: what to try once everything is Ready.
import { keepUnused } from './sample.ts';
import { quoted } from './shell.ts';
import { regionLabel } from './view.ts';

export interface GuideParameters {
  /** The file to source; all paths are absolute, since the reader goes on in another terminal. */
  readonly shellFile: string;
  /** The object as the demo applied it. */
  readonly objectFile: string;
  /** `namespace` and `name` of the object. */
  readonly namespace: string;
  readonly name: string;
  /** The operator's log. */
  readonly log: string;
  /** The page that lists faults to try. */
  readonly faultsPage: string;
  /** Whether this machine has kubectl. */
  readonly hasKubectl: boolean;
}

export function guideText(where: GuideParameters): string {
  const { shellFile, objectFile, namespace, name, log, faultsPage, hasKubectl } = where;
  const georep = (verb: string, rest = '') => `  kubectl ${verb} georep -n ${namespace} ${name}${rest}`;
  const northeurope = `[{"op":"add","path":"/spec/regions/-","value":{"location":"North Europe"}}]`;
  return [
    ...beginning(shellFile, hasKubectl),
    '  kubectl get georep -A',
    '  kubectl get georep -A -o wide',
    '  kubectl get georep -A -w',
    georep('describe'),
    georep('edit'),
    georep('patch', ` --type=json -p '${northeurope}'`),
    georep('wait', ' --for=condition=Ready --timeout=2m'),
    '',
    'Push an image, and wait until it can be pulled in every region (georep is kubectl georep, with a credential for the emulated Azure):',
    '',
    '  push team/web:1.2',
    `  georep image team/web:1.2 ${name} -n ${namespace} --wait`,
    '',
    "Look into Azure, and delete a replica behind the operator's back. It creates the replica again, here within 10 s, usually 10 min:",
    '',
    '  arm /replications',
    '  arm /replications/japaneast -X DELETE',
    '',
    `Make Azure fail: "emulator" explains how, and ${faultsPage} has examples. To end (this returns once the replicas are gone from Azure), and to begin again:`,
    '',
    georep('delete'),
    `  ${applyCommand(objectFile)}`,
    '',
    `The operator's log is in ${log}. Ctrl-C ends everything.`,
  ].join('\n');
}

/** What to try with `--follow`. */
export function followGuideText(where: GuideParameters): string {
  const { shellFile, objectFile, namespace, name, log, hasKubectl } = where;
  const why = '{range .status.regions[*]}{.location}{"\\t"}{.neededBy}{.unusedSince}{"\\n"}{end}';
  const relabel = (node: string, region: string) => `  kubectl label node ${node} --overwrite ${regionLabel}=${region}`;
  return [
    ...beginning(shellFile, hasKubectl),
    `  kubectl get nodes -L ${regionLabel}`,
    '  kubectl get georep -A -o wide',
    `  kubectl get georep -n ${namespace} ${name} -o jsonpath='${why}'`,
    `  kubectl get georep -n ${namespace} ${name} -o jsonpath='{.status.sources}'`,
    `  kubectl describe georep -n ${namespace} ${name}`,
    '',
    `A node that moves: koreacentral gets a replica, and japaneast is kept for ${keepUnused}. Moved back in time, it is needed again without a write to Azure:`,
    '',
    relabel('web-1', 'koreacentral'),
    relabel('web-1', 'japaneast'),
    '',
    'A label that names no region of Azure creates nothing; status.sources counts it. The last node goes: a source that names nothing removes nothing:',
    '',
    relabel('web-1', 'us-east-1'),
    relabel('web-1', 'japaneast'),
    '  kubectl delete node web-1',
    `  kubectl get georep -n ${namespace} ${name} -o jsonpath='{.status.sources}'`,
    '',
    'To end (this returns once the replicas are gone from Azure), and to begin again:',
    '',
    `  kubectl delete georep -n ${namespace} ${name}`,
    `  ${applyCommand(objectFile)}`,
    '',
    `The operator's log is in ${log}. Ctrl-C ends everything.`,
  ].join('\n');
}

function beginning(shellFile: string, hasKubectl: boolean): string[] {
  return [
    `Go on in another terminal${hasKubectl ? '' : ' (this machine has no kubectl: https://kubernetes.io/docs/tasks/tools)'}:`,
    '',
    `  . ${quoted(shellFile)}`,
  ];
}

/** What the screen says when the last object is gone. */
export function nothingLeftText(objectFile: string): string {
  return `No RegistryReplication is left. To begin again: ${applyCommand(objectFile)}`;
}

function applyCommand(objectFile: string): string {
  return `kubectl apply -f ${quoted(objectFile)}`;
}
