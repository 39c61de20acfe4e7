// What an act leaves: the place in a long list, what is said of ticks that are gone, forms that can
// be sent again, and where one is when colours are the system's.
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
  for (const [n, app] of apps.entries()) await app.connectMany('ana', n ? 3 : 30)
})
after(async () => {
  await browser?.close()
  for (const app of apps ?? []) app.close()
  await untether?.close()
})

const rows = (page) => page.locator('#selection tbody tr[id]')
const bar = (page) => page.locator('.selection')
const said = (page) => page.locator('#said')

test('a row that is revoked far down leaves the page where it was, and the focus at the next row', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list')
  const row = rows(page).nth(25)
  const next = await rows(page).nth(26).getAttribute('id')
  await row.getByRole('link', { name: /^Revoke/ }).click()
  await page.getByRole('button', { name: 'Revoke access' }).click()
  const flash = page.getByRole('status').filter({ hasText: 'Revoked C' })
  await flash.waitFor()
  assert.ok(await page.evaluate(() => scrollY) > 200, 'thrown to the top')
  assert.equal(await page.evaluate(() => document.activeElement.closest('tr')?.id), next)
  const { y } = await flash.boundingBox()
  assert.ok(y >= 0 && y < 100, `what was done is said at ${y}`)
})

test('ticks on rows that are not shown any more are said to be gone', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list')
  await rows(page).filter({ hasText: 'Claude#' }).first().getByRole('checkbox').check()
  await rows(page).filter({ hasText: 'Cursor#' }).first().getByRole('checkbox').check()
  await page.getByRole('searchbox', { name: 'Search' }).fill('claude')
  await page.getByRole('link', { name: 'Remove Search: claude' }).waitFor()
  await bar(page).getByText('1 ticked row is not shown here, and no longer ticked.').waitFor()
  assert.equal(await page.locator('#selected').textContent(), '1 selected')
  // What was revoked is gone as it should be, and nothing is said of it.
  await bar(page).getByRole('button').click()
  await page.getByRole('button', { name: 'Revoke access' }).click()
  await page.getByRole('status').filter({ hasText: 'Revoked C' }).waitFor()
  assert.equal(await page.locator('#too-many').textContent(), '')
})

test('nothing is said of a selection that there is not', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list')
  assert.equal(await said(page).textContent(), '')
  await page.getByRole('link', { name: 'Connection name', exact: true }).click()
  await page.waitForURL('**sort=name**')
  assert.equal(await said(page).textContent(), '')
  const box = rows(page).first().getByRole('checkbox')
  await box.check()
  assert.equal(await said(page).textContent(), '1 selected')
  await box.uncheck()
  assert.equal(await said(page).textContent(), '0 selected')
})

test('a group that was opened stays open while one types', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections')
  await page.getByRole('row').getByRole('link', { name: 'Claude', exact: true }).click()
  await rows(page).first().waitFor()
  await page.getByRole('searchbox', { name: 'Search' }).fill('cl')
  await page.getByRole('link', { name: 'Remove Search: cl' }).waitFor()
  assert.ok(await rows(page).count() > 0, 'the group has been closed')
})

test('a search that was stopped can be sent again', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/clients')
  await page.route('**/clients?*', (route) => route.fulfill({ status: 204 }))
  const box = page.getByRole('searchbox', { name: 'Search' })
  await box.fill('clau')
  await Promise.all([page.waitForResponse('**/clients?q=clau'), box.press('Enter')])
  await page.unroute('**/clients?*')
  await box.fill('claude')
  await box.press('Enter')
  await page.waitForURL('**q=claude')
})

test('a search among clients keeps the order and the size of the page', async (t) => {
  const page = await visit(t, browser, untether, 'owner', { js: false })
  await page.goto('/clients?sort=name&dir=desc&per=50')
  await page.getByRole('searchbox', { name: 'Search' }).fill('c')
  await page.getByRole('button', { name: 'Search' }).click()
  const { searchParams: asked } = new URL(page.url())
  assert.deepEqual(['q', 'sort', 'dir', 'per'].map((name) => asked.get(name)), ['c', 'name', 'desc', '50'])
})

test("with the system's colours the present view, section and page size are underlined", async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.emulateMedia({ forcedColors: 'active' })
  await page.goto('/connections?view=list')
  const current = page.locator(':is(.top nav, .views, .per) [aria-current]')
  assert.equal(await current.count(), 3)
  for (const link of await current.all()) {
    assert.equal(await link.evaluate((link) => getComputedStyle(link).textDecorationLine), 'underline')
  }
})

test('Revoke all of a person comes back to their page, and that to the list', async (t) => {
  const page = await visit(t, browser, untether, 'owner', { js: false })
  await page.goto('/connections?view=list&q=cursor')
  await rows(page).first().locator('.by a').click()
  await page.getByRole('link', { name: 'Revoke all' }).click()
  await page.getByRole('link', { name: 'Cancel' }).click()
  await page.getByRole('link', { name: 'Back to the list' }).click()
  assert.equal(new URL(page.url()).searchParams.get('q'), 'cursor')
})

test('a question that lay open too long is answered once more, with the reason that was typed', async (t) => {
  const page = await visit(t, browser, untether, 'owner', { expected: /403/ })
  await page.goto('/connections?view=list')
  await rows(page).nth(2).getByRole('link', { name: /^Revoke/ }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reason').fill('Over night')
  await dialog.locator('[name=csrf]').evaluate((token) => (token.value = 'old'))
  await dialog.getByRole('button', { name: 'Revoke access' }).click()
  await dialog.getByRole('alert').filter({ hasText: 'what you entered is still here' }).waitFor()
  assert.equal(await dialog.getByLabel('Reason').inputValue(), 'Over night')
  await dialog.getByRole('button', { name: 'Revoke access' }).click()
  await page.getByRole('status').filter({ hasText: 'Revoked C' }).waitFor()
})

test('a form that lay open too long is sent again without scripts', async (t) => {
  const page = await visit(t, browser, untether, 'owner', { js: false, expected: /403/ })
  await page.goto('/projects/untether/edit')
  await page.getByLabel('Name', { exact: true }).fill('Our own')
  const old = (data) => data.replace(/csrf=[^&]*/, 'csrf=old')
  await page.route('**/edit', (route) => route.continue({ postData: old(route.request().postData()) }), { times: 1 })
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { name: 'This form is out of date' }).waitFor()
  await page.getByRole('button', { name: 'Send it again' }).click()
  await page.getByRole('status').filter({ hasText: 'Saved' }).waitFor()
  await page.getByRole('heading', { name: 'Our own' }).waitFor()
})
