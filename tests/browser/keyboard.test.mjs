// The whole task by keyboard alone.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { organization, LIST, dialog, rows, tick } from './lib/states.mjs'
import { launch, visit } from './lib/visit.mjs'

let browser, untether, close
before(async () => {
  browser = await launch()
  ;({ untether, close } = await organization(browser))
})
after(async () => {
  await browser?.close()
  await close?.()
})

test('the keyboard alone opens the page, searches, ticks, revokes and sees it', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  const reach = async (target) => {
    for (let presses = 0; !(await target.evaluate((element) => element === document.activeElement)); presses += 1) {
      assert.ok(presses < 150, 'Tab does not get there')
      await page.keyboard.press('Tab')
    }
  }
  await page.goto(LIST)
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content')
  await page.keyboard.press('Enter')
  await reach(page.getByRole('searchbox', { name: 'Search' }))
  await page.keyboard.type('ana@acme')
  await page.getByRole('link', { name: 'Remove Search: ana@acme' }).waitFor()
  const before = await rows(page).count()
  const name = /Cursor#[a-z-]+/.exec(await rows(page).first().textContent())[0]
  await reach(tick(page))
  await page.keyboard.press('Space')
  await reach(page.getByRole('button', { name: 'Revoke 1 connection' }))
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Revoke 1 connection?' }).waitFor()
  await reach(dialog(page).getByLabel('Reason'))
  await page.keyboard.type('Nobody uses it')
  await reach(dialog(page).getByRole('button', { name: 'Revoke access' }))
  await page.keyboard.press('Enter')
  const said = page.getByRole('status').filter({ hasText: `Revoked ${name}` })
  await said.waitFor()
  await rows(page).filter({ hasText: name }).waitFor({ state: 'detached' })
  assert.equal(await rows(page).count(), before - 1)
  assert.ok(await said.evaluate((status) => status.contains(document.activeElement)), 'the focus is not at what was done')
})
