// Revoking everything that matches, and one connection's own page, with scripts and without.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { App } from './lib/app.mjs'
import { startUntether } from './lib/server.mjs'
import { assertAccessible, assertFits, launch, visit } from './lib/visit.mjs'

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

const PREVIEW = '/connections/revoke-matching?q=cursor'

async function looksGood(page, what) {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 })
    await assertFits(page, `${what} at ${width} px`)
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme })
      await assertAccessible(page, `${what} at ${width} px, ${colorScheme}`)
    }
  }
}

for (const js of [true, false]) {
  const how = js ? 'with scripts' : 'without scripts'

  test(`${how}, everything that matches is revoked once its number is typed`, async (t) => {
    const ana = await visit(t, browser, untether, 'ana')
    await app.connect(ana)
    await app.connect(ana)
    const page = await visit(t, browser, untether, 'owner', { js, expected: /status of 400/ })
    await page.goto(PREVIEW)
    await page.getByRole('heading', { name: 'Revoke 2 connections?' }).waitFor()
    if (js) await looksGood(page, 'the preview')
    await page.getByLabel('Reason').fill('laptops lost')
    await page.getByLabel('Type 2 to confirm').fill('3')
    await page.getByRole('button', { name: 'Revoke access' }).click()
    await page.getByRole('alert').filter({ hasText: 'Nothing was revoked' }).waitFor()
    assert.equal(await page.getByLabel('Reason').inputValue(), 'laptops lost')
    await page.getByLabel('Type 2 to confirm').fill('2')
    await page.getByRole('button', { name: 'Revoke access' }).click()
    await page.getByRole('status').filter({ hasText: 'Revoked 2 connections.' }).waitFor()
    assert.equal(new URL(page.url()).search, '?q=cursor')
  })

  test(`${how}, a connection is renamed, revoked and its record deleted on its page`, async (t) => {
    const ana = await visit(t, browser, untether, 'ana', { js })
    await app.connect(ana)
    await ana.goto('/connections?view=list')
    const revoke = ana.getByRole('row').filter({ hasText: 'Cursor#' }).first().getByRole('link', { name: /^Revoke/ })
    const id = new URL(await revoke.getAttribute('href'), untether.public).searchParams.get('id')
    await ana.goto(`/connections/${id}`)
    if (js) await looksGood(ana, 'the page of a connection')
    await ana.getByLabel('Name', { exact: true }).fill('Office laptop')
    await ana.getByRole('button', { name: 'Rename' }).click()
    await ana.getByRole('heading', { name: 'Office laptop' }).waitFor()
    await ana.getByRole('link', { name: 'Revoke', exact: true }).click()
    await ana.getByRole('button', { name: 'Revoke access' }).click()
    await ana.getByRole('status').filter({ hasText: 'Revoked Office laptop.' }).waitFor()
    await ana.getByText('Delete this record').click()
    if (js) await looksGood(ana, 'the page of a revoked connection')
    await ana.getByRole('button', { name: 'Delete record' }).click()
    await ana.getByRole('status').filter({ hasText: 'Deleted the record of Office laptop.' }).waitFor()
  })
}
