// Shows the change of one region before it is made: as a diff, as a command, and with a button that applies it.
import type { RegistryView } from '../model.ts';
import { diffOf, isLastRegion, kubectlCommand } from './change-preview.ts';
import { post, type Received } from './connection.ts';
import { button, byId, el } from './dom.ts';

const marks = { same: ' ', added: '+', removed: '-' } as const;

const lastRegion =
  'The last region cannot be removed: list the home region alone if no other replicas are wanted, or delete the object.';

export interface Chosen {
  readonly view: RegistryView;
  readonly location: string;
  readonly displayName: string;
}

/** @param onApplied Called with a sentence for the news. */
export function showChange(
  { view, location, displayName }: Chosen,
  { kubectlArgs }: Received['settings'],
  onApplied: (news: string) => void,
): void {
  const dialog = byId('change') as HTMLDialogElement;
  const region = view.regions.find((one) => one.location === location);
  const action = region?.listed ? 'remove' : 'add';
  const change = { action, location } as const;
  const isLast = isLastRegion(view, change);
  const command = kubectlCommand(view, change, kubectlArgs) ?? '';
  const title = action === 'add' ? `Add ${displayName} to ${view.name}` : `Remove ${displayName} from ${view.name}`;
  const refusal = el('p', { class: 'refusal', role: 'alert' });
  const close = button('Cancel', {}, () => dialog.close());
  const apply = button('Apply', { class: 'primary', id: 'apply' }, async () => {
    apply.disabled = true;
    refusal.textContent = '';
    const refused = await post(view, change);
    apply.disabled = false;
    if (refused === undefined) {
      dialog.close();
      onApplied(`${title}: applied.`);
    } else {
      refusal.textContent = refused;
      apply.focus();
    }
  });
  const copy = button('Copy', { 'aria-label': 'Copy the command' }, () => {
    void navigator.clipboard.writeText(command).then(() => {
      copy.textContent = 'Copied';
    });
  });
  const withCommand = [
    el('p', { class: 'muted' }, 'The same with kubectl:'),
    el('div', { class: 'command' }, el('pre', { tabindex: 0, 'aria-label': 'The command' }, command), copy),
  ];
  dialog.replaceChildren(
    el('h2', { id: 'change-title' }, title),
    el('p', {}, isLast ? lastRegion : consequence(view, location, action)),
    el(
      'pre',
      { class: 'diff', tabindex: 0, 'aria-label': 'The change as YAML' },
      ...diffOf(view.listed, change).map(({ kind, text }) => el('span', { class: kind }, `${marks[kind]} ${text}\n`)),
    ),
    ...(isLast ? [] : withCommand),
    refusal,
    el('div', { class: 'buttons' }, close, ...(isLast ? [] : [apply])),
  );
  dialog.showModal();
  (isLast ? close : apply).focus();
}

function consequence(view: RegistryView, location: string, action: 'add' | 'remove'): string {
  const region = view.regions.find((one) => one.location === location);
  if (view.suspended) return 'The object is suspended: nothing happens before it is resumed.';
  if (view.mode === 'Observe') return 'The object only observes: the operator will show a plan, and change nothing.';
  if (action === 'add') {
    if (region?.neededBy !== undefined || region?.keptFor !== undefined)
      return 'The object follows this region already. Once listed, it stays also when no source names it.';
    return region && region.state !== 'Absent'
      ? 'The replica is there already, and stays.'
      : 'The operator creates a replica there, and Azure copies the content.';
  }
  if (region?.neededBy !== undefined) return `The region stays, since it is needed by ${region.neededBy}.`;
  if (region?.home) return 'The home region keeps its replica, listed or not.';
  return view.prune === 'Retain'
    ? 'The replica stays, since prune is Retain; the operator no longer looks after it.'
    : 'The operator deletes the replica once all listed regions are ready.';
}
