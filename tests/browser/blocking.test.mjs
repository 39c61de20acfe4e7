// Blocking a client and letting it connect again, as an owner does it: with scripts, without, on a
// phone. And axe-core on every screen where a block is seen.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { App } from './lib/app.mjs'
import { startUntether } from './lib/server.mjs'
import { assertFits, assertGoodAnywhere, launch, visit } from './lib/visit.mjs'

let browser, untether
const apps = []
before(async () => {
  ;[browser, untether] = await Promise.all([launch(), startUntether()])
})
after(async () => {
  await browser?.close()
  for (const app of apps) app.close()
  await untether?.close()
})

const EVERY = 'status=active&status=expired&status=revoked'

/** A client that Ana has connected. */
async function connected(t, name) {
  const app = await App.register(untether, `${untether.public}/mcp`, name)
  apps.push(app)
  const ana = await visit(t, browser, untether, 'ana')
  await app.connect(ana)
  return { app, ana }
}

async function refused(page, app) {
  const state = `refused ${apps.length} ${app.landings.length}`
  await page.goto(app.authorizeUrl(state))
  const { error, error_description: text } = await app.landing(state)
  assert.equal(error, 'access_denied')
  return text
}

for (const [how, options, width] of [
  ['with scripts', {}, 1280],
  ['without scripts', { js: false }, 1280],
  ['on a phone', {}, 390],
  ['on a phone without scripts', { js: false }, 390],
]) {
  test(`${how}, a client is blocked from its group, and unblocked where it is seen`, async (t) => {
    const { app, ana } = await connected(t, `Cursor ${how}`)
    const page = await visit(t, browser, untether, 'owner', options)
    await page.setViewportSize({ width, height: 900 })
    await page.goto(`/connections?${EVERY}&open=${app.clientId}`)
    await page.getByRole('link', { name: 'Block client' }).click()
    await page.getByRole('heading', { name: `Block Cursor ${how}` }).waitFor()
    await page.getByText('This ends 1 connection of 1 person, at once.').waitFor()
    await page.getByLabel('Reason').fill('It leaks')
    await page.getByRole('button', { name: 'Block client' }).click()
    await page.getByRole('status').filter({ hasText: `Blocked Cursor ${how} and ended 1 connection` }).waitFor()
    assert.ok(new URL(page.url()).search.includes(`open=${app.clientId}`), 'the list was lost')
    await page.locator('tbody.open .group').getByText('client blocked').waitFor()
    await assertFits(page, 'the list with a blocked client')
    assert.match(await refused(ana, app), /is blocked here by an administrator/)

    await page.goto(`/connections?view=list&blocked=yes&${EVERY}&client=${app.clientId}`)
    await page.getByText('Revoked, blocked').waitFor()
    await page.goto(`/connections?${EVERY}&open=${app.clientId}`)
    await page.getByRole('link', { name: 'Unblock client' }).click()
    await page.getByRole('button', { name: /^Unblock/ }).click()
    await page.getByRole('status').filter({ hasText: 'may connect again for everyone' }).waitFor()
    await app.connect(ana)
  })
}

test('the tick-box blocks a client for one person, who reads it and cannot lift it', async (t) => {
  const { app, ana } = await connected(t, 'Zed')
  const page = await visit(t, browser, untether, 'owner')
  await page.goto(`/connections?view=list&client=${app.clientId}`)
  await page.getByRole('link', { name: /^Revoke Zed/ }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Also block this person from reconnecting this client').check()
  await dialog.getByRole('button', { name: 'Revoke access' }).click()
  await page.getByRole('status').filter({ hasText: 'Blocked until someone unblocks it' }).waitFor()
  assert.match(await refused(ana, app), /you may not connect Zed here/)
  await ana.goto('/me')
  await ana.getByText('for ana@acme.example').waitFor()
  assert.equal(await ana.getByRole('button', { name: /^Unblock/ }).count(), 0)
  // Others connect it as before.
  await app.connect(await visit(t, browser, untether, 'ben'))
})

test('axe-core finds nothing where a block is seen or asked for, in any light, and it fits a phone', async (t) => {
  const { app } = await connected(t, 'Codex')
  const page = await visit(t, browser, untether, 'owner')
  const client = `/clients/${app.clientId}`
  const look = async (what, path) => {
    await page.goto(path)
    await assertGoodAnywhere(page, what)
  }
  await look('the question', `${client}/block`)
  await page.getByRole('button', { name: 'Block client' }).click()
  await page.getByRole('status').filter({ hasText: 'Blocked Codex' }).waitFor()
  await look('the page of a blocked client', client)
  await look('the list of what was blocked', `/connections?view=list&blocked=yes&${EVERY}`)
  await look('the blocked clients', '/connections?blocked=yes')
  await look('an open client that is blocked', `/connections?${EVERY}&open=${app.clientId}`)
  await page.goto(`/connections?view=list&${EVERY}&client=${app.clientId}`)
  await look('a connection that was blocked', await page.getByRole('rowheader').getByRole('link').first().getAttribute('href'))
})
