// Revoking a connection as an administrator does it, with scripts, without, and by keyboard.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { App } from './lib/app.mjs'
import { startUntether } from './lib/server.mjs'
import { launch, visit } from './lib/visit.mjs'

let browser, untether, app
before(async () => {
  ;[browser, untether] = await Promise.all([launch(), startUntether()])
  app = await App.register(untether, `${untether.public}/mcp`, 'Cursor')
})
after(async () => {
  await browser?.close()
  app?.close()
  await untether?.close()
})

const LIST = '/connections?view=list'
const rows = (page) => page.getByRole('row').filter({ hasText: 'Cursor#' })
const revokeOf = (row) => row.getByRole('link', { name: /^Revoke/ }).or(row.getByRole('button', { name: /^Revoke/ }))
const nameIn = async (row) => /Cursor#[a-z-]+/.exec(await row.textContent())[0]

/** The owner on the list, where Ana has just made one connection more. */
async function ownerOnTheList(t, options) {
  const ana = await visit(t, browser, untether, 'ana')
  const tokens = await app.connect(ana)
  const page = await visit(t, browser, untether, 'owner', options)
  await page.goto(LIST)
  const before = await rows(page).count()
  const name = await nameIn(rows(page).first())
  return { page, tokens, before, name, row: rows(page).filter({ hasText: name }) }
}

async function assertRevoked(page, { name, before, tokens }, { reason, said = `Revoked ${name}` } = {}) {
  await page.getByRole('status').filter({ hasText: said }).waitFor()
  await rows(page).filter({ hasText: name }).waitFor({ state: 'detached' })
  assert.equal(await rows(page).count(), before - 1)
  const refreshed = await fetch(`${untether.public}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
      client_id: app.clientId,
    }),
  })
  assert.equal((await refreshed.json()).error, 'invalid_grant')
  await page.goto(`${LIST}&status=revoked`)
  const ended = rows(page).filter({ hasText: name })
  assert.match(await ended.textContent(), /Revoked/)
  assert.equal(await revokeOf(ended).count(), 0)
  if (reason) assert.ok((await ended.textContent()).includes(reason), 'the revoked row does not say why')
}

test('with scripts, Revoke asks in a dialog and the row goes from the list', async (t) => {
  const list = await ownerOnTheList(t)
  const { page, row, name } = list
  await revokeOf(row).click()
  const dialog = page.getByRole('dialog', { name: 'Revoke 1 connection?' })
  await dialog.waitFor()
  assert.ok((await dialog.textContent()).includes(name))
  assert.equal(new URL(page.url()).pathname, '/connections', 'the list is not behind the dialog any more')
  await dialog.getByLabel('Reason').fill('laptop lost')
  await dialog.getByRole('button', { name: 'Revoke access' }).click()
  await assertRevoked(page, list, { reason: 'laptop lost' })
})

test('in the dialog Cancel is focused, Tab stays inside, Esc closes and focus returns', async (t) => {
  const { page, row, before } = await ownerOnTheList(t)
  await revokeOf(row).focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  const cancel = dialog.getByRole('button', { name: 'Cancel' }).or(dialog.getByRole('link', { name: 'Cancel' }))
  await cancel.waitFor()
  const focused = (locator) => locator.evaluate((element) => element === document.activeElement)
  assert.ok(await focused(cancel), 'Cancel is not focused')
  for (let presses = 0; presses < 8; presses += 1) {
    await page.keyboard.press('Tab')
    const outside = await dialog.evaluate(
      (element) => document.activeElement !== document.body && !element.contains(document.activeElement),
    )
    assert.ok(!outside, `after ${presses + 1} presses of Tab the focus is behind the dialog`)
  }
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'hidden' })
  assert.ok(await focused(revokeOf(row)), 'focus did not return to Revoke')
  await revokeOf(row).click()
  await cancel.click()
  await dialog.waitFor({ state: 'hidden' })
  assert.equal(await rows(page).count(), before, 'Cancel or Esc revoked something')
})

test('on a small screen the question begins with what is asked, and Cancel is in sight', async (t) => {
  const { page, row } = await ownerOnTheList(t)
  await page.setViewportSize({ width: 320, height: 256 })
  await revokeOf(row).click()
  const dialog = page.getByRole('dialog', { name: 'Revoke 1 connection?' })
  await dialog.waitFor()
  assert.equal(await dialog.evaluate((dialog) => dialog.scrollTop), 0)
  for (const seen of [dialog.getByRole('heading').first(), dialog.getByRole('link', { name: 'Cancel' })]) {
    const { y, height } = await seen.boundingBox()
    assert.ok(y >= 0 && y + height <= 256, `${y} to ${y + height}`)
  }
})

test('after a confirmation that came back, Cancel returns the focus to the row', async (t) => {
  const { page, row } = await ownerOnTheList(t, { expected: /400/ })
  await revokeOf(row).press('Enter')
  const reason = page.getByRole('dialog').getByLabel('Reason')
  await reason.evaluate((field) => field.removeAttribute('maxlength'))
  await reason.fill('x'.repeat(501))
  await page.getByRole('button', { name: 'Revoke access' }).click()
  await page.getByRole('dialog').getByRole('alert').filter({ hasText: '501 characters' }).waitFor()
  await page.getByRole('dialog').getByRole('link', { name: 'Cancel' }).press('Enter')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.ok(await revokeOf(row).evaluate((element) => element === document.activeElement))
})

test('without scripts, Revoke asks on a page of its own', async (t) => {
  const list = await ownerOnTheList(t, { js: false })
  const { page, row, name } = list
  await revokeOf(row).click()
  await page.getByRole('heading', { name: 'Revoke 1 connection?' }).waitFor()
  assert.ok((await page.getByRole('main').textContent()).includes(name))
  await page.getByLabel('Reason').fill('left the company')
  await page.getByRole('button', { name: 'Revoke access' }).click()
  await assertRevoked(page, list, { reason: 'left the company' })
})

test('without scripts, Cancel goes back to the list and changes nothing', async (t) => {
  const { page, row, before } = await ownerOnTheList(t, { js: false })
  await revokeOf(row).click()
  await page.getByRole('link', { name: 'Cancel' }).or(page.getByRole('button', { name: 'Cancel' })).click()
  await page.waitForURL((url) => url.pathname === '/connections')
  await page.goto(LIST)
  assert.equal(await rows(page).count(), before)
})

test('the keyboard alone revokes', async (t) => {
  const list = await ownerOnTheList(t)
  const { page, row } = list
  await revokeOf(row).focus()
  await page.keyboard.press('Enter')
  const confirm = page.getByRole('dialog').getByRole('button', { name: 'Revoke access' })
  await confirm.waitFor()
  for (let presses = 0; !(await confirm.evaluate((button) => button === document.activeElement)); presses += 1) {
    assert.ok(presses < 10, 'ten presses of Tab do not reach Revoke access')
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  await assertRevoked(page, list)
})

test('a double click on Revoke access does it once and says so', async (t) => {
  const list = await ownerOnTheList(t)
  await revokeOf(list.row).click()
  await list.page.getByRole('button', { name: 'Revoke access' }).dblclick({ noWaitAfter: true })
  await assertRevoked(list.page, list, { said: /^\s*Revoked Cursor#|revoked before/ })
})

test("a member sees and revokes their own connections, and nobody else's", async (t) => {
  const mine = await visit(t, browser, untether, 'ben')
  await app.connect(mine)
  await ownerOnTheList(t)
  await mine.goto(LIST)
  assert.equal(await rows(mine).count(), 1)
  await revokeOf(rows(mine).first()).click()
  await mine.getByRole('button', { name: 'Revoke access' }).click()
  await mine.getByRole('status').filter({ hasText: 'Revoked Cursor#' }).waitFor()
  await rows(mine).waitFor({ state: 'detached' })
})
