// Clients of a project, made and ended on their pages, with scripts and without.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { startUntether } from './lib/server.mjs'
import { assertAccessible, assertFits, launch, visit } from './lib/visit.mjs'

let browser, untether
before(async () => {
  ;[browser, untether] = await Promise.all([launch(), startUntether()])
})
after(async () => {
  await browser?.close()
  await untether?.close()
})

const CLIENTS = '/projects/untether/clients'

async function look(page, what) {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 })
    await assertFits(page, `${what} at ${width} px`)
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme })
      await assertAccessible(page, `${what} at ${width} px, ${colorScheme}`)
    }
  }
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with scripts' : 'without scripts'
  test(`a client is made, shown once, changed, revoked and deleted ${how}`, async (t) => {
    const expected = /status of 4(00|09)/
    const page = await visit(t, browser, untether, 'owner', { js: javaScriptEnabled, expected })
    const see = (what) => (javaScriptEnabled ? look(page, what) : undefined)
    const name = `Portal ${how}`
    await page.goto(CLIENTS)
    await page.getByRole('link', { name: 'New MCP client' }).click()
    await page.getByRole('link', { name: 'Claude Code' }).click()
    await page.waitForURL(/host=claude-code/)
    await see('the form for a new client')
    await page.getByLabel('Name').fill(name)
    await page.getByLabel(/^Redirect URIs/).fill('callback')
    await page.getByRole('radio', { name: /^Confidential/ }).check()
    await page.getByRole('button', { name: 'Create client' }).click()
    await page.getByText('Line 1, callback').waitFor()
    await see('the form with a fault')
    assert.equal(await page.getByLabel('Name').inputValue(), name)
    await page.getByLabel(/^Redirect URIs/).fill('http://localhost/callback')
    await page.getByRole('button', { name: 'Create client' }).click()
    await page.getByRole('heading', { name: `${name} is registered` }).waitFor()
    const secret = await page.locator('#secret').textContent()
    assert.match(secret, /^uts_/)
    await see('the screen that shows the secret')
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: /^Download/ }).click()
    const file = await readFile(await (await download).path(), 'utf8')
    assert.ok(file.includes(`CLIENT_SECRET=${secret}`))
    await page.getByRole('link', { name: 'Manage MCP client' }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
    assert.ok(!(await page.content()).includes(secret))
    await page.getByText('Revoke this client').click()
    await see('the page of a client')
    await page.getByLabel(`Type ${name} to confirm`).fill('another name')
    await page.getByRole('button', { name: 'Revoke client' }).click()
    await page.getByText('Nothing was revoked').waitFor()
    await page.getByLabel(`Type ${name} to confirm`).fill(name)
    await page.getByRole('button', { name: 'Revoke client' }).click()
    await page.getByText('It had no connections').waitFor()
    await see('the page of a revoked client')
    await page.goto(CLIENTS)
    await see('the clients of a project')
    await page.getByRole('link', { name, exact: true }).click()
    await page.getByText('Delete this record').click()
    await page.getByRole('button', { name: 'Delete record' }).click()
    await page.getByText(`Deleted the record of ${name}`).waitFor()
  })
}
