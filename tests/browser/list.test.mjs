// The page of connections as an administrator works with it: finding, opening, selecting.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { App } from './lib/app.mjs'
import { startUntether } from './lib/server.mjs'
import { assertAccessible, assertFits, launch, visit } from './lib/visit.mjs'

/** More than can be selected at once, in two clients of which each could be. */
const MANY = 98

let browser, untether, many, few
before(async () => {
  ;[browser, untether] = await Promise.all([launch(), startUntether()])
  many = await App.register(untether, `${untether.public}/mcp`, 'Cursor')
  few = await App.register(untether, `${untether.public}/mcp`, 'Claude')
  await many.connectMany('ana', MANY)
  await few.connectMany('ana', 12)
})
after(async () => {
  await browser?.close()
  many?.close()
  few?.close()
  await untether?.close()
})

const group = (page, name) => page.locator('tbody').filter({ has: page.locator(`tr.group:has-text("${name}")`) })
const toggle = (page, name) => page.getByRole('row').getByRole('link', { name, exact: true })
const ticks = (page) => page.getByRole('checkbox', { name: /^Select .*#/ })
const bar = (page) => page.getByRole('button', { name: /^Revoke \d+ connections?$/ })
const selectAll = (page, name) =>
  group(page, name).getByRole('link', { name: 'Select all connections for this client' })

async function open(page, name) {
  await toggle(page, name).click()
  await group(page, name).getByRole('link', { name: 'Clear selection' }).waitFor()
}

async function checked(page) {
  return page.locator('#selection [name=id]:checked').evaluateAll((boxes) => boxes.map((box) => box.value))
}

test('with scripts, the list follows what is typed', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  await page.getByRole('searchbox', { name: 'Search' }).pressSequentially('claud')
  await page.getByRole('status').filter({ hasText: '12 connections · 1 client' }).waitFor()
  assert.equal(await page.getByRole('searchbox').inputValue(), 'claud')
  assert.equal(new URL(page.url()).search, '?q=claud')
  await page.getByRole('link', { name: 'Remove Search: claud' }).click()
  await page.getByRole('status').filter({ hasText: '2 clients' }).waitFor()
  assert.equal(await page.getByRole('searchbox').inputValue(), '')
})

test('with scripts, the mark in the navigation follows the view', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  const marked = (place) => page.locator('nav a[aria-current=page]').filter({ hasText: place }).waitFor()
  await page.goto('/connections')
  await marked('Connections')
  for (const [view, place] of [['Group by person', 'People'], ['List view', 'Connections']]) {
    await page.getByRole('link', { name: view }).click()
    await marked(place)
    assert.equal(await page.locator('nav[aria-label=Main] [aria-current]').count(), 1)
    assert.deepEqual(await page.locator('nav[aria-label=Views] [aria-current]').allTextContents(), [view])
  }
  await page.goBack()
  await marked('People')
  await page.goto('/clients')
  await page.getByRole('link', { name: 'Cursor', exact: true }).click()
  await page.getByRole('dialog').waitFor()
  assert.deepEqual(await page.locator('nav[aria-label=Main] [aria-current]').allTextContents(), ['Clients'])
})

test('without scripts, Search and Apply filters are buttons', async (t) => {
  const page = await visit(t, browser, untether, 'owner', { js: false })
  await page.goto('/connections')
  await page.getByRole('searchbox').fill('claud')
  await page.getByRole('button', { name: 'Search' }).click()
  await page.getByRole('status').filter({ hasText: '12 connections · 1 client' }).waitFor()
  await page.getByText('More filters').click()
  await page.getByLabel('Confidential').check()
  await page.getByRole('button', { name: 'Apply filters' }).click()
  await page.getByRole('heading', { name: 'Nothing matches' }).waitFor()
  await page.locator('.empty').getByRole('link', { name: 'Clear filters' }).click()
  await page.getByRole('status').filter({ hasText: '2 clients' }).waitFor()
})

for (const js of [true, false]) {
  test(`a client opens, and reload and back show what was open, ${js ? 'with' : 'without'} scripts`, async (t) => {
    const page = await visit(t, browser, untether, 'owner', { js })
    await page.goto('/connections')
    await open(page, 'Cursor')
    assert.equal(await ticks(page).count(), 25)
    await open(page, 'Claude')
    assert.equal(await ticks(page).count(), 37)
    await page.reload()
    assert.equal(await ticks(page).count(), 37)
    await page.goBack()
    await page.waitForFunction(() => document.querySelectorAll('#selection [name=id]').length === 25)
    await toggle(page, 'Cursor').click()
    await page.waitForFunction(() => !document.querySelector('#selection [name=id]'))
  })
}

for (const js of [true, false]) {
  test(`Show 25 more adds rows below, and reload and back show the same, ${js ? 'with' : 'without'} scripts`, async (t) => {
    const page = await visit(t, browser, untether, 'owner', { js })
    const shown = (rows) => page.waitForFunction((n) => document.querySelectorAll('#selection [name=id]').length === n, rows)
    await page.goto('/connections')
    await open(page, 'Cursor')
    for (const rows of [50, 75, MANY]) {
      await page.getByRole('link', { name: 'Show 25 more' }).click()
      await shown(rows)
    }
    assert.equal(await page.getByRole('link', { name: 'Show 25 more' }).count(), 0)
    await page.reload()
    await shown(MANY)
    await page.goBack()
    await shown(75)
  })

  test(`rows of a client are sorted by a column, ${js ? 'with' : 'without'} scripts`, async (t) => {
    const page = await visit(t, browser, untether, 'owner', { js })
    await page.goto('/connections')
    await open(page, 'Claude')
    const names = () => group(page, 'Claude').getByRole('link', { name: /^Claude#/ }).allTextContents()
    for (const sort of ['ascending', 'descending']) {
      await page.getByRole('link', { name: 'Connection name' }).click()
      await page.locator(`.inside [aria-sort=${sort}]`).waitFor()
      const sorted = (await names()).sort()
      assert.deepEqual(await names(), sort === 'ascending' ? sorted : sorted.reverse())
    }
  })
}

test('the 101st is refused, with a way to revoke everything that matches', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  await open(page, 'Claude')
  await open(page, 'Cursor')
  await selectAll(page, 'Cursor').click()
  await page.getByRole('button', { name: `Revoke ${MANY} connections` }).waitFor()
  const others = group(page, 'Claude').getByRole('checkbox', { name: /^Select .*#/ })
  for (let n = 0; n < 100 - MANY; n += 1) await others.nth(n).check()
  await page.getByRole('button', { name: 'Revoke 100 connections' }).waitFor()
  await others.nth(100 - MANY).click()
  assert.equal(await others.nth(100 - MANY).isChecked(), false)
  const alert = page.getByRole('alert').filter({ hasText: 'At most 100' })
  await alert.waitFor()
  await assertAccessible(page, 'the 101st tick')
  const way = alert.getByRole('link', { name: 'Revoke everything that matches in these 2 groups' })
  const { pathname, searchParams } = new URL(await way.getAttribute('href'))
  assert.equal(pathname, '/connections/revoke-matching')
  const ids = await page.locator('tbody.open').evaluateAll((groups) => groups.map((group) => group.id))
  assert.deepEqual([...searchParams].sort(), ids.map((id) => ['client', id]).sort())
  const before = await checked(page)
  // The alert is there already: what tells is that the rows have come, and the script has seen them.
  const come = page.evaluate(() => new Promise((done) => addEventListener('htmx:after:swap', () => done(), { once: true })))
  await selectAll(page, 'Claude').click()
  await come
  await alert.waitFor()
  assert.deepEqual((await checked(page)).sort(), before.sort(), 'what was ticked before stays, and nothing else')
  await page.locator('.selection').getByRole('link', { name: 'Clear selection' }).click()
  assert.deepEqual(await checked(page), [])
  assert.equal(await bar(page).count(), 0)
  await page.waitForFunction(() => document.activeElement.id === 'list')
})

test('a tick stands for all of a group, though not all of it is shown', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  await open(page, 'Cursor')
  const [every, all] = ['Select every row shown', 'Select all connections of Cursor'].map((name) =>
    page.getByRole('checkbox', { name }))
  const looks = (box) => box.evaluate(({ checked, indeterminate }) => [checked, indeterminate])
  await every.click()
  await page.getByRole('button', { name: 'Revoke 25 connections' }).waitFor()
  assert.deepEqual(await looks(all), [false, true])
  assert.deepEqual(await looks(every), [false, true])
  // What is shown is ticked: the same box takes it back.
  await every.click()
  assert.deepEqual(await checked(page), [])
  await all.check()
  await page.getByRole('button', { name: `Revoke ${MANY} connections` }).waitFor()
  assert.deepEqual(await looks(all), [true, false])
  assert.deepEqual(await looks(every), [false, true])
})

test('where more than a hundred rows are shown, all of them are refused in words', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  await open(page, 'Claude')
  await open(page, 'Cursor')
  while (await page.getByRole('link', { name: /^Show \d+ more/ }).count()) {
    const shown = await ticks(page).count()
    await page.getByRole('link', { name: /^Show \d+ more/ }).first().click()
    await page.waitForFunction((before) => document.querySelectorAll('#selection [name=id]').length > before, shown)
  }
  assert.ok((await ticks(page).count()) > 100, 'there are too few rows for this test')
  await page.getByRole('checkbox', { name: 'Select every row shown' }).click()
  await page.getByRole('alert').filter({ hasText: 'At most 100' }).waitFor()
  assert.deepEqual(await checked(page), [])
  assert.equal(await page.getByRole('button', { name: /^Revoke \d+ connections$/ }).count(), 0)
})

test('who is not signed in any more loses nothing that was ticked', async (t) => {
  const page = await visit(t, browser, untether, 'owner', { expected: /status of 401/ })
  await page.goto('/connections?view=list')
  await ticks(page).first().check()
  await page.route('**/connections*', (route) => route.fulfill({ status: 401, body: 'sign in' }))
  await page.getByRole('link', { name: /^Expired/ }).click()
  await page.getByRole('alert').filter({ hasText: 'not signed in any more' }).waitFor()
  assert.equal((await checked(page)).length, 1)
  // The status is said by an element that was there before.
  assert.equal(await page.getByRole('status').filter({ hasText: '1 selected' }).count(), 1)
})

test('More filters closes behind the focus', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list')
  await page.getByText('More filters').click()
  await page.getByRole('button', { name: 'Apply filters' }).focus()
  await page.keyboard.press('Tab')
  assert.equal(await page.locator('.menu[open]').count(), 0)
})

test('a phone sorts, and selects every row shown', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto('/connections?view=list&per=25')
  await page.getByRole('link', { name: 'Connection name', exact: true }).click()
  await page.waitForURL('**sort=name**')
  await page.getByRole('checkbox', { name: 'Select every row shown' }).check()
  assert.equal((await checked(page)).length, 25)
  await assertFits(page, 'the list on a phone')
  await page.goto('/clients')
  await page.getByRole('link', { name: 'Last used', exact: true }).click()
  await page.waitForURL('**/clients?sort=used**')
})

test('clients are sorted on their page', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/clients')
  await page.getByRole('columnheader').getByRole('link', { name: 'MCP client' }).click()
  await page.waitForURL('**/clients?sort=name**')
  assert.equal(await page.getByRole('table').count(), 1)
})

test('a tick belongs to its connection, whatever the order, and goes with its row', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list&per=25')
  await ticks(page).nth(3).check()
  const [id] = await checked(page)
  await page.getByRole('link', { name: 'Authorization date' }).click()
  await page.locator('[aria-sort=ascending]').waitFor()
  assert.deepEqual(await checked(page), [], 'it is on another page now')
  assert.equal(await bar(page).count(), 0)
  await page.goto('/connections?view=list&q=Claude')
  await ticks(page).nth(2).check()
  const [other] = await checked(page)
  assert.notEqual(other, id)
  await page.getByRole('link', { name: 'Connection name' }).click()
  await page.locator('[aria-sort=ascending]').waitFor()
  assert.deepEqual(await checked(page), [other])
})

test('sorting keeps the groups that have been opened, and what is ticked in them', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  await open(page, 'Claude')
  await ticks(page).first().check()
  const ticked = await checked(page)
  await page.getByRole('link', { name: 'MCP client', exact: true }).click()
  await page.waitForURL(/sort=name/)
  await page.waitForFunction(() => document.querySelector('thead [aria-sort] a').textContent === 'MCP client')
  assert.deepEqual(await checked(page), ticked)
})

test('another page begins at its top, and a header keeps the focus', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list&per=25')
  await page.getByRole('link', { name: 'Next' }).click()
  await page.waitForURL(/after=/)
  await page.waitForFunction(() => document.activeElement.id === 'list' && document.activeElement.getBoundingClientRect().top >= 0)
  await page.getByRole('link', { name: 'Status', exact: true }).press('Enter')
  await page.waitForURL(/sort=status/)
  await page.waitForFunction(() => document.activeElement.textContent === 'Status')
})

test('filters that were applied by the keyboard leave the focus with the list', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  await page.getByText('More filters').click()
  await page.getByLabel('Public').check()
  await page.getByRole('button', { name: 'Apply filters' }).press('Enter')
  await page.getByRole('link', { name: /^Remove / }).waitFor()
  await page.waitForFunction(() => document.activeElement != document.body && document.activeElement.checkVisibility())
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'More filters')
})

test('the tick of a client selects its connections, and the tick of a page those shown', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  const all = page.getByRole('checkbox', { name: 'Select all connections of Claude' })
  await all.check()
  await page.getByRole('button', { name: 'Revoke 12 connections' }).waitFor()
  assert.equal(await all.isChecked(), true)
  await ticks(page).first().uncheck()
  assert.equal(await all.evaluate((box) => box.indeterminate), true)
  await group(page, 'Claude').getByRole('link', { name: 'Clear selection' }).click()
  assert.equal(await bar(page).count(), 0)
  await page.goto('/connections?view=list&per=25')
  await page.getByRole('checkbox', { name: 'Select every row shown' }).check()
  await page.getByRole('button', { name: 'Revoke 25 connections' }).waitFor()
})

for (const js of [true, false]) {
  test(`three are revoked through the bar, ${js ? 'with' : 'without'} scripts`, async (t) => {
    const page = await visit(t, browser, untether, 'owner', { js })
    await page.goto('/connections?q=cursor')
    await open(page, 'Cursor')
    const before = await page.locator('.count b').textContent()
    for (let n = 0; n < 3; n += 1) await ticks(page).nth(n).check()
    await page.getByRole('button', { name: js ? 'Revoke 3 connections' : 'Revoke selected connections' }).click()
    await page.getByRole('heading', { name: 'Revoke 3 connections?' }).waitFor()
    await page.getByRole('button', { name: 'Revoke access' }).click()
    await page.getByRole('status').filter({ hasText: 'Revoked 3 connections. Cursor stays registered.' }).waitFor()
    assert.equal(await page.locator('.count b').textContent(), String(before - 3))
    assert.deepEqual(await checked(page), [])
    assert.equal(await ticks(page).count(), 25, 'the client is open as before')
  })
}

test('without scripts, selecting a client ticks its rows on the page', async (t) => {
  const page = await visit(t, browser, untether, 'owner', { js: false })
  await page.goto('/connections')
  const revoke = page.getByRole('button', { name: 'Revoke selected connections' })
  assert.equal(await revoke.isVisible(), false, 'there is nothing to tick')
  await open(page, 'Claude')
  assert.equal(await revoke.isVisible(), true)
  await selectAll(page, 'Claude').click()
  assert.equal((await checked(page)).length, 12)
  await group(page, 'Claude').getByRole('link', { name: 'Clear selection' }).click()
  assert.equal((await checked(page)).length, 0)
})

test('the keyboard alone opens a client, ticks a row and asks to revoke it', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?sort=name')
  const press = async (target, key) => {
    for (let presses = 0; ; presses += 1) {
      assert.ok(presses < 90, 'Tab does not get there')
      if (await target.evaluate((element) => element === document.activeElement)) break
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press(key)
  }
  await press(toggle(page, 'Claude'), 'Enter')
  await ticks(page).first().waitFor()
  assert.equal(await toggle(page, 'Claude').evaluate((link) => link === document.activeElement), true)
  await press(ticks(page).first(), 'Space')
  await press(bar(page), 'Enter')
  await page.getByRole('dialog', { name: 'Revoke 1 connection?' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.equal((await checked(page)).length, 1, 'what was ticked stays')
})

test('the focus stays where the keyboard pressed: on what selects, and on the first row that came', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  await open(page, 'Cursor')
  const focused = async (of) => page.waitForFunction((element) => element === document.activeElement, await of.elementHandle())
  await page.getByRole('link', { name: 'Show 25 more' }).press('Enter')
  await ticks(page).nth(49).waitFor()
  await focused(group(page, 'Cursor').getByRole('link', { name: /^Cursor#/ }).nth(25))
  await selectAll(page, 'Cursor').press('Enter')
  await page.getByRole('button', { name: /^Revoke \d\d connections$/ }).waitFor()
  await focused(selectAll(page, 'Cursor'))
  const all = page.getByRole('checkbox', { name: 'Select all connections of Claude' })
  await all.press('Space')
  await ticks(page).nth(100).waitFor()
  await focused(all)
})
