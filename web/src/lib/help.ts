import { h } from './dom';

/** The keys, in a dialog; Esc or a click beside it closes it, the focus goes back by itself. */
export function openHelp(views: readonly { name: string; key: string }[]): void {
  if (document.querySelector('dialog[open]')) return;
  const row = (what: string, ...keys: string[]): HTMLElement => h('div', { class: 'key-row' }, h('dt', null, what), h('dd', null, ...keys.map((key) => h('kbd', null, key))));
  const dialog = h(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'help-title' },
    h('div', { class: 'dialog-head' }, h('h2', { id: 'help-title' }, 'Keyboard'), h('button', { class: 'button small', type: 'button', onclick: () => dialog.close() }, 'Close')),
    h(
      'div',
      { class: 'key-columns' },
      h('dl', null, ...views.map((view) => row(view.name, 'g', view.key))),
      h('dl', null, row('This help', '?'), row('Filter peers', '/'), row('Back, close, clear', 'Esc'), row('Move in a table', '↑', '↓'), row('Far, ends', 'PgUp', 'PgDn', 'Home', 'End'), row('Open', 'Enter'), row('Pause the circle, or a recording', 'Space'), row('Dark or light', 'd'), row('Next node', 'n')),
    ),
  );
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
