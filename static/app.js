// Pages work without this. With it dialogs open, requests show progress and failure,
// and nothing is sent twice.
(() => {
  const on = addEventListener;
  const find = (css) => document.querySelector(css);
  let opener, running = 0;

  // `disabled` would drop the focus and the button's value.
  const pending = (form, is) => {
    form.toggleAttribute('data-pending', is);
    for (const button of form.querySelectorAll('button')) button.ariaDisabled = is || null;
  };
  on('submit', (event) => {
    if (!event.target.matches('[data-pending]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  on('submit', ({ defaultPrevented, target }) => {
    if (defaultPrevented) return;
    pending(target, true);
    setTimeout(pending, 9000, target, false); // when an app takes the redirect
  });

  const busy = (step) => ({ detail: { ctx } }) => {
    if (step > 0) find('.failed')?.remove();
    running += step;
    document.documentElement.toggleAttribute('data-busy', running > 0);
    if (ctx.request.form) pending(ctx.request.form, step > 0);
  };
  on('htmx:before:request', busy(1));
  on('htmx:finally:request', busy(-1));

  // Without its target on the page, a link stays an ordinary one.
  on('htmx:before:init', (event) => {
    const id = event.target.dataset.hxTarget;
    if (id?.[0] == '#' && !find(id)) event.preventDefault();
  });

  // Said where the person looks.
  const failed = (textContent) => {
    const message = document.createElement('p');
    Object.assign(message, { className: 'flash problem failed', role: 'alert', textContent });
    (find(':modal .actions') ?? find('h1')).before(message);
  };
  on('htmx:error', () => failed('The server did not answer. Try again, or reload to sign in.'));
  on('htmx:after:request', (event) => {
    const { text, hx, response: { status } } = event.detail.ctx;
    // A sign-in page of the proxy.
    const foreign = /^\s*<!doctype/i.test(text) && !text.includes('id="main"');
    if (status < 400 ? !foreign : hx.retarget) return;
    event.preventDefault();
    if (status < 400 || status == 401) return location.reload();
    const page = new DOMParser().parseFromString(text, 'text/html');
    const said = [...page.querySelectorAll('h1, .lead, .prose li, code')].map((line) => line.textContent);
    failed(said.join('\n') || `Error ${status}. Try again.`);
  });

  on('htmx:after:swap', ({ detail: { ctx } }) => {
    const dialog = find('#dialog > dialog');
    if (ctx.target.id == 'list') dialog?.close();
    else if (dialog?.matches(':not(:modal)')) {
      opener = ctx.sourceElement;
      dialog.open = false;
      dialog.showModal();
      dialog.onclose = () => {
        dialog.remove();
        (opener.isConnected ? opener : find('#flash > p') ?? find('#list')).focus();
      };
    }
    if (document.activeElement == document.body) find('#list')?.focus();
  });
  on('click', (event) => {
    const dialog = event.target.closest(':modal [data-close]')?.closest('dialog');
    if (!dialog) return;
    event.preventDefault();
    dialog.close();
  });

  // In rows, links to a client and to a revoke open beside and over the page without saying so.
  on('click', (event) => {
    const link = event.target.closest('.rows a:not([data-hx-get])');
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const into = { revoke: '#dialog', clients: '#panel' }[/(revoke|clients)[?/]/.exec(link.href)?.[1]];
    if (!into) return;
    event.preventDefault();
    htmx.ajax('GET', link.getAttribute('href'), { source: link, target: into });
  });

  // A panel has an address of its own. The page behind it stays as it is: going back to it
  // loads nothing, and htmx must not think that it has to (so the state, and the listener).
  let beside;
  on('htmx:after:swap', ({ detail: { ctx } }) => {
    const panel = find('#panel > :not(:modal)');
    if (!panel) return;
    const { href } = panel.dataset;
    beside = ctx.sourceElement;
    history.replaceState(null, '');
    history.pushState({ htmx: true }, '', href);
    panel.open = false;
    panel.showModal();
    panel.onclose = () => {
      panel.remove();
      if (location.pathname == href) history.back();
    };
  });
  window.navigation?.addEventListener('navigate', (event) => {
    if (beside && event.navigationType == 'traverse') event.stopImmediatePropagation();
  }, true);
  on('popstate', () => {
    if (!beside) return;
    find('#panel > dialog')?.close();
    history.replaceState({ htmx: true }, '');
    beside.focus();
    beside = null;
  });

  // Where the clipboard is out of reach, as without https, the text is at least selected.
  on('click', async ({ target }) => {
    const button = target.closest('[data-copy]');
    if (!button) return;
    const text = button.closest('.copied').querySelector('code');
    let said = 'Copied';
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      getSelection().selectAllChildren(text);
      said = 'Selected';
    }
    for (const other of document.querySelectorAll('[data-copy]')) other.firstChild.data = 'Copy';
    button.firstChild.data = said;
  });
})();
