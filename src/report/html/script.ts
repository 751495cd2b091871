/**
 * What a page does besides being read: folds fill when they open, filters hide rows, a reference opens
 * the fold its event is in. Plain JavaScript for browsers: it is not compiled, its hash is in the page's
 * policy. It makes no markup from text, so there is nothing in it for a peer's bytes to become.
 */
export const SCRIPT = String.raw`(() => {
  'use strict';

  /* The rows of a fold wait in a template until somebody looks at them. */
  const fill = (fold) => {
    const waiting = fold.querySelector('template');
    if (waiting) waiting.replaceWith(waiting.content);
  };
  document.addEventListener('toggle', ({ target }) => {
    if (target.open && target.hasAttribute('data-chunk')) fill(target);
  }, true);

  const rowsOf = (part) => {
    const waiting = part.querySelector('template');
    return [...(waiting ? waiting.content : part).querySelectorAll('[data-row]')];
  };

  const filters = (form) => {
    const part = document.getElementById(form.dataset.filters);
    const folds = [...part.querySelectorAll('[data-chunk]')];
    const groups = (folds.length > 0 ? folds : [part]).map((fold) => ({ fold, rows: rowsOf(fold) }));
    const total = groups.reduce((sum, { rows }) => sum + rows.length, 0);
    const said = form.querySelector('output');
    const texts = new Map();
    const textOf = (row) => {
      if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
      return texts.get(row);
    };

    const apply = () => {
      const wanted = new Map();
      for (const box of form.querySelectorAll('input:checked')) {
        wanted.set(box.name, (wanted.get(box.name) || new Set()).add(box.value));
      }
      const choice = form.querySelector('select');
      const words = form.querySelector('input[type=search]').value.trim().toLowerCase();
      const filtering = wanted.size > 0 || words !== '' || Boolean(choice && choice.value);
      const matches = (row) =>
        [...wanted].every(([key, values]) => values.has(row.dataset[key])) &&
        (!choice || !choice.value || row.dataset[choice.name].split(' ').includes(choice.value)) &&
        (words === '' || textOf(row).includes(words));
      let shown = 0;
      for (const group of groups) {
        group.matches = 0;
        for (const row of group.rows) {
          row.hidden = !matches(row);
          if (!row.hidden) group.matches += 1;
        }
        shown += group.matches;
        const note = group.fold.querySelector('[data-matches]');
        if (note) {
          note.textContent = filtering ? '— ' + group.matches + ' shown' : '';
          group.fold.hidden = group.matches === 0;
        }
      }
      /* What was asked for should be seen: the first fold that has some of it opens. */
      if (filtering && folds.length > 0 && !groups.some(({ fold, matches }) => fold.open && matches > 0)) {
        const first = groups.find(({ matches }) => matches > 0);
        if (first) first.fold.open = true;
      }
      said.textContent = shown.toLocaleString('en') + ' of ' + total.toLocaleString('en') + ' shown';
    };

    form.addEventListener('input', apply);
    form.addEventListener('submit', (event) => event.preventDefault());
    form.querySelector('[data-reset]').addEventListener('click', () => {
      form.reset();
      apply();
    });
    form.hidden = false;
    apply();
  };

  /* A reference leads to its row, wherever that is folded away or filtered out. */
  const reveal = (hash) => {
    let id;
    try {
      id = decodeURIComponent(hash.slice(1));
    } catch {
      return;
    }
    if (id === '') return;
    let row = document.getElementById(id);
    for (const fold of row ? [] : document.querySelectorAll('[data-chunk]')) {
      const waiting = fold.querySelector('template');
      if (waiting && waiting.content.getElementById(id)) fill(fold);
      row = row || document.getElementById(id);
    }
    if (!row || !row.hasAttribute('data-row')) return;
    row.hidden = false;
    for (let up = row.parentElement; up; up = up.parentElement) {
      up.hidden = false;
      if (up.tagName === 'DETAILS') up.open = true;
    }
    for (const other of document.querySelectorAll('.here')) other.classList.remove('here');
    row.classList.add('here');
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'center' });
  };
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
    if (link) setTimeout(() => reveal(link.hash), 0);
  });
  window.addEventListener('hashchange', () => reveal(location.hash));

  document.querySelectorAll('form[data-filters]').forEach(filters);
  reveal(location.hash);
})();`;
