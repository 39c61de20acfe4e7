// Pages work without this. With it dialogs open, requests show progress and failure,
// and nothing is sent twice.
(() => {
  const on = addEventListener;
  const find = (css) => document.querySelector(css);
  let opener, head, running = 0;

  // The rows of connections, in their order.
  const places = () => [...document.querySelectorAll('#list tr[id]')];
  // What is ticked stands in the table alone, so that a row that goes takes its tick along.
  const LIMIT = 100;
  const boxes = (where = document) => [...where.querySelectorAll('#selection [name=id]')];
  const ticked = (where) => boxes(where).filter((box) => box.checked);
  // The attribute too: it survives a swap, the property stays with the element.
  const tick = (box, to) => (box.checked = box.defaultChecked = to);
  // Part of the list at `url`: a group, or more rows of it. Its address is the list's, so
  // that links need no other.
  // One after the other: each adds to the address that the one before has made.
  let above, line = Promise.resolve(), round = 0;
  const part = (url, source, target) => {
    const asked = round;
    url.pathname = '/connections/rows';
    url.searchParams.set('group', source.closest('tbody[id]').id);
    const go = () => {
      if (asked != round || !target.isConnected) return;
      above = target.previousElementSibling;
      return htmx.ajax('GET', url.pathname + url.search, { source, target, swap: 'outerHTML' });
    };
    line = line.then(go, go);
  };
  // Groups that opened since the page came are open after a revoke too.
  const here = () => location.pathname + location.search;
  // Instead of the hundred: everything in the groups that were ticked, or in the list.
  const refuse = (many) => {
    const limit = find('#limit');
    const said = limit.content.cloneNode(true);
    const groups = new Set(many.map((box) => box.closest('tbody[id]')?.id).filter(Boolean));
    if (groups.size) {
      const link = said.querySelector('a');
      const url = new URL(link.getAttribute('href'), location);
      url.searchParams.delete(limit.dataset.by);
      for (const id of groups) url.searchParams.append(limit.dataset.by, id);
      link.href = url;
      link.append(groups.size == 1 ? ' in this group' : ` in these ${groups.size} groups`);
      link.nextSibling?.remove();
    }
    find('#too-many').replaceChildren(said);
  };
  const count = () => {
    const bar = find('.selection');
    if (!bar) return;
    const n = ticked().length;
    const said = n || +bar.dataset.n ? `${n} selected` : '';
    bar.hidden = !n && !find('#too-many').firstChild;
    bar.classList.toggle('none', !n);
    find('#selection').back.value = here();
    bar.dataset.n = n;
    find('#selected').textContent = `${n} selected`;
    // What has not changed is not said again.
    if (find('#said').textContent != said) find('#said').textContent = said;
    bar.querySelector('button').textContent = `Revoke ${n} connection${n == 1 ? '' : 's'}`;
    for (const all of document.querySelectorAll('[data-all], [data-every]')) {
      const within = all.closest('tbody') ?? document;
      const [on, shown] = [ticked(within).length, boxes(within).length];
      // Of a group there may be more than is shown.
      let of = 0;
      for (const { dataset } of within.querySelectorAll('[data-all]')) of += +dataset.all;
      all.checked = on && on >= (of || shown);
      all.indeterminate = on && !all.checked;
      all.hidden = !shown && !all.matches('[data-all]');
    }
  };
  on('change', ({ target }) => {
    // Told before it is sent: that may take minutes.
    if (target.type == 'file') {
      target.setCustomValidity(target.files[0]?.size > 2 ** 19 ? 'The file has more than 512 KB.' : '');
      return target.reportValidity();
    }
    if (!target.closest('#selection')) return;
    find('#too-many').replaceChildren();
    if (target.matches('[data-all]:checked')) {
      const url = new URL(location);
      const group = target.closest('tbody');
      url.searchParams.append('open', group.id);
      url.searchParams.set('select', group.id);
      return part(url, target, group);
    }
    const many = target.name ? [target] : boxes(target.closest('tbody') ?? document);
    // Where all that is shown is ticked, though it is not all there is, the next click takes it back.
    if (many.every((box) => box.checked)) target.checked &&= !!target.name;
    const full = target.checked && new Set([...ticked(), ...many]).size > LIMIT;
    for (const box of many) full ? box.checked = box.defaultChecked : tick(box, target.checked);
    if (full) refuse([...ticked(), ...many]);
    count();
  });
  let kept, acted;
  on('htmx:before:swap', ({ detail: { ctx } }) => {
    kept = new Set(ticked().map((box) => box.value));
    acted = ctx.request.method != 'GET';
  });
  const restore = () => {
    // What htmx brings leaves out, at two for each row, when it was exactly.
    for (const time of document.querySelectorAll('time:not([title])')) time.title = time.dateTime.replace('Z', ' UTC');
    for (const box of boxes()) tick(box, box.defaultChecked || kept.has(box.value));
    const lost = acted ? 0 : kept.size - ticked().filter((box) => kept.has(box.value)).length;
    acted = false;
    if (lost > 0) find('#too-many')?.replaceChildren(`${lost} ticked ${lost == 1 ? 'row is' : 'rows are'} not shown here, and no longer ticked.`);
    if (ticked().length > LIMIT) {
      const many = ticked();
      for (const box of many) tick(box, kept.has(box.value));
      refuse(many);
    }
    // The list of people has a place of its own.
    const people = location.search.includes('view=person');
    for (const place of document.querySelectorAll('.top nav > a[href^="/connections"]')) {
      if (location.pathname == '/connections') place.ariaCurrent = !!place.search == people ? 'page' : null;
    }
    count();
  };

  // `disabled` would drop the focus and the button's value.
  const pending = (form, is) => {
    form.toggleAttribute('data-pending', is);
    for (const button of form.querySelectorAll('button')) button.ariaDisabled = is || null;
  };
  on('submit', (event) => {
    if (!event.target.matches('[data-pending]') && (event.target.id != 'selection' || ticked().length)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  on('submit', ({ defaultPrevented, target }) => {
    if (defaultPrevented || target.method == 'get') return;
    pending(target, true);
    // When an app takes the redirect. A file may be long on its way.
    if (!target.enctype.startsWith('multipart')) setTimeout(pending, 9000, target, false);
  });
  // Come back to, a page is as it was left.
  on('pageshow', () => document.querySelectorAll('[data-pending]').forEach((form) => pending(form, false)));

  // What was asked for last: of the list, of its parts, and of what opens over it. An answer
  // that comes late takes the place of nothing that was asked for since.
  const latest = {};
  const kindOf = ({ target, request }) => request.method != 'GET' ? null
    : target == document.body || target.id == 'list' ? 'list'
    : /^(dialog|panel)$/.test(target.id) ? 'over'
    : request.action.startsWith('/connections/rows') && 'part';
  // What `url` changes of the page that it is on, of the list that was asked for last. Returns
  // whether that is anything new.
  const add = ({ request, sourceElement: source }) => {
    const url = new URL(request.action, location);
    // The box knows no group that was opened since the page came.
    if (source.matches('.search')) {
      for (const open of new URL(location).searchParams.getAll('open')) url.searchParams.append('open', open);
      request.action = url.pathname + url.search;
    }
    const box = find('#q');
    const typed = box && !source.matches('.search') && box.value.trim() != box.defaultValue;
    const before = latest.list?.request.action;
    if (url.pathname != '/connections' || source.matches('.clear, body') || !typed && !before) return true;
    const { searchParams: here } = new URL(location);
    const to = new URL(before ?? location, location);
    if (typed) to.searchParams.set('q', box.value.trim());
    for (const name of new Set([...here.keys(), ...url.searchParams.keys()])) {
      const [was, is] = [here, url.searchParams].map((all) => all.getAll(name));
      if (was.join() == is.join()) continue;
      to.searchParams.delete(name);
      for (const value of is) to.searchParams.append(name, value);
    }
    // A place in another list is none in this one.
    for (const place of ['after', 'before']) to.searchParams.delete(place);
    request.action = to.pathname + to.search;
    return request.action != before;
  };
  on('htmx:before:request', (event) => {
    const { ctx } = event.detail;
    const kind = kindOf(ctx);
    if (!kind) return;
    if (kind == 'list') {
      if (!add(ctx)) return event.preventDefault();
      round++;
      for (const other in latest) latest[other].request.abort();
    } else latest[kind]?.request.abort();
    latest[kind] = ctx;
  });
  on('htmx:finally:request', ({ detail: { ctx } }) => {
    for (const kind in latest) if (latest[kind] == ctx) delete latest[kind];
  });
  // Letters that are added to a search, and an act that leads back to the same list, are not
  // gone back to.
  on('htmx:before:history:update', ({ detail: { history: to, sourceElement } }) => {
    const refines = sourceElement.matches('.search') && new URL(location).searchParams.has('q');
    if (refines || to.path == here()) to.type = 'replace';
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
    count();
  };
  on('htmx:error', () => failed(navigator.onLine ? 'The server did not answer. Try again, or reload to sign in.'
    : 'You are offline. What you typed and ticked is still here.'));
  on('htmx:after:request', (event) => {
    const { ctx } = event.detail;
    const { text, hx, response: { status } } = ctx;
    const kind = kindOf(ctx);
    if (kind && latest[kind] != ctx) return event.preventDefault();
    // A sign-in page of the proxy.
    const foreign = /^\s*<!doctype/i.test(text) && !text.includes('id="main"');
    if (status < 400 ? !foreign : hx.retarget) return;
    event.preventDefault();
    if (status < 400 || status == 401) {
      if (!ticked().length && !find('#dialog > dialog')) return location.reload();
      return failed('You are not signed in any more. Sign in again in another tab, then repeat this: what you typed and ticked is still here.');
    }
    const page = new DOMParser().parseFromString(text, 'text/html');
    const fresh = page.querySelector('#again [name=csrf]');
    if (fresh) {
      for (const token of document.querySelectorAll('[name=csrf]')) token.value = fresh.value;
      return failed('This page was open for long, and nothing was changed. Do it once more: what you entered is still here.');
    }
    const said = [...page.querySelectorAll('h1, .lead, .prose li, code')].map((line) => (line.localName == 'code' ? 'Request ' : '') + line.textContent);
    failed(said.join('\n') || `The server, or the proxy before it, is too busy for this (error ${status}). Try again in a minute.`);
  });

  on('htmx:after:swap', ({ detail: { ctx } }) => {
    const dialog = find('#dialog > dialog');
    if (ctx.target.id == 'act') document.title = find('h1').textContent + document.title.slice(document.title.lastIndexOf(' · '));
    if (ctx.target.id == 'list') {
      // The list stays where it is; what was done is said on top of it.
      if (dialog) find('#flash > p')?.classList.add('stays');
      dialog?.close('done');
    } else if (dialog?.matches(':not(:modal)')) {
      opener = ctx.sourceElement;
      const row = places().indexOf(opener.closest('tr'));
      dialog.open = false;
      dialog.showModal();
      dialog.scrollTop = 0;
      dialog.onclose = () => {
        dialog.remove();
        // What others have revoked meanwhile is shown as that.
        if (!dialog.returnValue && dialog.querySelector('.changed')) htmx.ajax('GET', here(), { source: document.body, target: '#list', swap: 'innerMorph' });
        const shown = (at) => at?.isConnected && at.checkVisibility() && at;
        const next = places().at(Math.min(row, places().length - 1))?.querySelector('a');
        (shown(opener) || row >= 0 && next || find('#flash > p') || find('#list')).focus({ preventScroll: true });
      };
    }
    restore();
    // The link is gone; what it showed begins below what was there.
    if (ctx.target.matches?.('.more')) above.nextElementSibling.querySelector('a').focus();
    const list = find('#list');
    // Another page begins at its top; a header that was followed keeps the focus.
    if (ctx.sourceElement?.rel) {
      list.focus();
      list.scrollIntoView();
      return;
    }
    // Filters fold away when they have been applied.
    const at = document.activeElement;
    if (at == document.body || !at.checkVisibility()) {
      (at.closest('.menu')?.firstElementChild ?? find('#selection thead')?.rows[0].cells[head]?.querySelector('a') ?? list)?.focus();
    }
  });
  on('click', (event) => {
    const { target } = event;
    find('.stays')?.classList.remove('stays');
    // A tick-box is smaller than a finger; what is around it counts too.
    if (target.matches('td.tick')) target.querySelector('input')?.click();
    for (const menu of document.querySelectorAll('.menu[open]')) menu.open = menu.contains(target) && !target.matches('[download]');
    const link = target.closest('a');
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.matches(':modal [data-close]')) link.closest('dialog').close();
    // Loaded again, a panel is a page of its own; the list is still behind it.
    else if (link.matches('[data-close]') && history.state?.over) history.back();
    else if (link.matches('[data-clear]')) {
      for (const box of boxes(link.closest('tbody') ?? document)) tick(box, false);
      find('#too-many').replaceChildren();
      count();
      if (!link.checkVisibility()) find('#list').focus();
    } else if (link.pathname == '/connections' && location.pathname == '/connections' && link.closest('#list')) {
      // From list to list, and open a group, without saying so: fifty links of a page would
      // weigh double with attributes for htmx.
      const url = new URL(link);
      const { after } = link.dataset;
      head = link.closest('#selection > table > thead > tr > th')?.cellIndex;
      // What the page did not know when it came: which groups have been opened since.
      if (link.closest('#selection > table > thead, .chips, .per')) {
        url.searchParams.delete('open');
        for (const open of new URL(location).searchParams.getAll('open')) url.searchParams.append('open', open);
      }
      if (after) url.searchParams.set('row_after', after);
      // A part of a list that is about to be another comes with that.
      if (!latest.list && (after || link.matches('.toggle, .pick'))) part(url, link, link.closest(after ? 'tr' : 'tbody'));
      else if (!after) htmx.ajax('GET', url.pathname + url.search, { source: link, target: '#list', swap: 'innerMorph' });
    } else if (link.closest('.rows')) {
      // In rows, links to a client and to a revoke open beside and over the page likewise.
      const into = link.pathname == '/connections/revoke' ? '#dialog' : /^\/clients\/[^/]+$/.test(link.pathname) ? '#panel' : 'none';
      if (!find(into)) return;
      const url = new URL(link);
      if (into == '#dialog') url.searchParams.set('back', here());
      htmx.ajax('GET', url.pathname + url.search, { source: link, target: into });
    } else return;
    event.preventDefault();
  });

  // A panel has an address of its own. The page behind it stays as it is: going back to it
  // loads nothing, and htmx must not think that it has to (so the state, and the listener,
  // which is called first because this script is).
  let beside, behind, title;
  on('htmx:after:swap', ({ detail: { ctx } }) => {
    const panel = find('#panel > :not(:modal)');
    if (!panel) return;
    const { href } = panel.dataset;
    // One that comes while another is open takes its place.
    if (beside) history.replaceState({ htmx: true, over: true }, '', href);
    else {
      ({ title } = document);
      behind = location.href;
      history.replaceState({ behind: true }, '');
      history.pushState({ htmx: true, over: true }, '', href);
    }
    beside = ctx.sourceElement;
    document.title = find('#client').textContent + title.slice(title.lastIndexOf(' · '));
    panel.open = false;
    panel.showModal();
    panel.onclose = () => {
      panel.remove();
      if (location.pathname == href) history.back();
    };
  });
  window.navigation?.addEventListener('navigate', (event) => {
    if (beside && event.navigationType == 'traverse') event.stopImmediatePropagation();
  });
  on('popstate', () => {
    // The panel was loaded as a page of its own since: what was behind it is there no more.
    if (!beside) return history.state?.behind && location.reload();
    // Farther back, or forth, than to the page behind it.
    if (location.href != behind) return location.reload();
    find('#panel > dialog')?.close();
    history.replaceState({ htmx: true }, '');
    document.title = title;
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
    for (const { firstChild: word } of document.querySelectorAll('[data-copy]')) if (word.data != 'Copy') word.data = 'Copy';
    button.firstChild.data = said;
  });
  // What is open would cover what comes after it.
  on('focusout', ({ target, relatedTarget }) => {
    const menu = relatedTarget && target.closest('.menu[open]');
    if (menu && !menu.contains(relatedTarget)) menu.open = false;
  });
  on('keydown', ({ key }) => {
    const menu = key == 'Escape' && find('.menu[open]');
    if (!menu) return;
    menu.open = false;
    menu.firstElementChild.focus();
  });
  count();
})();
