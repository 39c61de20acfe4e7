// Whatever the order in which answers come: what was asked for last is shown, nothing that was
// asked for before is lost, and the address says what is shown.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { App } from './lib/app.mjs'
import { startUntether } from './lib/server.mjs'
import { launch, visit } from './lib/visit.mjs'

let browser, untether, apps
before(async () => {
  ;[browser, untether] = await Promise.all([launch(), startUntether()])
  const register = (name) => App.register(untether, `${untether.public}/mcp`, name)
  apps = await Promise.all(['Cursor', 'Claude'].map(register))
  for (const app of apps) await app.connectMany('ana', 4)
})
after(async () => {
  await browser?.close()
  for (const app of apps ?? []) app.close()
  await untether?.close()
})

/** Keeps requests from the server until they are let go; `held(n)` waits for the nth. */
async function hold(page, address) {
  const routes = []
  let came = Promise.withResolvers()
  await page.route(address, (route) => {
    routes.push(route)
    came.resolve()
    came = Promise.withResolvers()
  })
  const held = async (n) => {
    while (routes.length <= n) await came.promise
    return routes[n]
  }
  return held
}

/** Everything that was asked for has come, or has been given up, and is shown. */
const settled = (page) => page.waitForFunction(() => !document.documentElement.hasAttribute('data-busy'))
const status = (page, text) => page.getByRole('status').filter({ hasText: text }).waitFor()
const search = (page) => new URLSearchParams(new URL(page.url()).search)
const toggle = (page, name) => page.getByRole('row').getByRole('link', { name, exact: true })

test('a later act adds to one that is under way, and its answer is the one shown', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list')
  const held = await hold(page, '**/connections?*')
  await page.getByRole('link', { name: /^Expired/ }).click()
  const first = await held(0)
  await page.getByRole('link', { name: 'Connection name', exact: true }).click()
  const second = await held(1)
  const asked = new URL(second.request().url()).searchParams
  assert.deepEqual([asked.get('status'), asked.get('sort')], ['active', 'name'])
  await second.continue()
  await page.waitForURL('**sort=name**')
  // It was given up; a browser that had it all the same would show it now.
  await first.continue().catch(() => {})
  assert.equal(search(page).get('status'), 'active')
  assert.equal(await page.getByRole('link', { name: /^Expired/ }).getAttribute('aria-current'), null)
})

test('what was typed is not lost to a link that is followed before its answer has come', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  for (const [typed, before] of [['claude', 'it was asked for'], ['cursor', 'the answer']]) {
    await page.goto('/connections?view=list')
    const held = await hold(page, '**/connections?*')
    if (before == 'the answer') {
      await page.getByRole('searchbox').fill(typed)
      await held(0)
    } else {
      await page.evaluate((typed) => (document.querySelector('#q').value = typed), typed)
    }
    await page.getByRole('link', { name: /^Expired/ }).click()
    const last = await held(before == 'the answer' ? 1 : 0)
    await last.continue()
    await page.waitForURL('**status=active**')
    await settled(page)
    assert.deepEqual([search(page).get('q'), search(page).get('status')], [typed, 'active'])
    assert.equal(await page.getByRole('searchbox').inputValue(), typed)
    await status(page, '4 connections')
    await page.unrouteAll()
  }
})

test('groups that are opened at once are all in the address', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  const held = await hold(page, '**/connections/rows?*')
  await toggle(page, 'Cursor').click()
  await toggle(page, 'Claude').click()
  await (await held(0)).continue()
  await (await held(1)).continue()
  await page.getByRole('link', { name: 'Client details' }).nth(1).waitFor()
  assert.equal(search(page).getAll('open').length, 2)
  await page.reload()
  assert.equal(await page.getByRole('link', { name: 'Client details' }).count(), 2)
})

test('a group that was asked for does not come into another list', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  const held = await hold(page, '**/connections/rows?*')
  await toggle(page, 'Cursor').click()
  const part = await held(0)
  await page.getByRole('link', { name: /^Expired/ }).click()
  await page.waitForURL('**status=active**')
  await part.continue().catch(() => {})
  await settled(page)
  assert.equal(await page.getByRole('link', { name: 'Client details' }).count(), 0)
  assert.deepEqual(search(page).getAll('open'), [])
})

test('a panel that comes late does not cover the question that was asked since', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list')
  const held = await hold(page, '**/clients/*')
  await page.getByRole('row').getByRole('link', { name: 'Cursor', exact: true }).first().click()
  const panel = await held(0)
  await page.getByRole('link', { name: /^Revoke Cursor/ }).first().click()
  await page.getByRole('heading', { name: 'Revoke 1 connection?' }).waitFor()
  await panel.continue().catch(() => {})
  await settled(page)
  assert.equal(await page.locator('dialog:modal').count(), 1)
})

test('one step back leads to before a search, however many letters it took', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list')
  for (const [letters, all] of [['c', 'c'], ['la', 'cla']]) {
    await page.getByRole('searchbox').pressSequentially(letters)
    await page.waitForURL((url) => url.searchParams.get('q') == all)
  }
  await page.goBack()
  await page.waitForURL((url) => !url.searchParams.has('q'))
  await status(page, '8 connections')
})

test('Close leads to the list, also when the panel was loaded again', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list&q=cursor')
  await page.getByRole('row').getByRole('link', { name: 'Cursor', exact: true }).first().click()
  await page.waitForURL('**/clients/*')
  await page.reload()
  await page.getByRole('link', { name: 'Close' }).click()
  await page.waitForURL('**/connections?view=list&q=cursor')
  await status(page, '4 connections')
})
