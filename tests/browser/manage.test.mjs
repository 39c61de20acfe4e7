// Clients of a project, made and ended on their pages, with scripts and without.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
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
    await page.getByLabel('Name').fill(name)
    await page.getByRole('button', { name: 'Claude Code', exact: true }).click()
    await page.getByRole('button', { name: 'Claude Code', pressed: true }).waitFor()
    assert.equal(await page.getByLabel('Name').inputValue(), name)
    assert.equal((await page.getByLabel(/^Redirect URIs/).inputValue()).trim(), 'http://localhost/callback')
    await see('the form for a new client')
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

const picture = (name) => fileURLToPath(new URL(`../app/pictures/${name}`, import.meta.url))

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with scripts' : 'without scripts'
  const go = (t, expected) => visit(t, browser, untether, 'owner', { js: javaScriptEnabled, expected })
  const secretOf = (page) => page.locator('#secret').textContent()

  test(`a logo is chosen, kept while something else is wrong, shown and removed ${how}`, async (t) => {
    const page = await go(t, /status of 400/)
    const see = (what) => (javaScriptEnabled ? look(page, what) : undefined)
    const name = `Logo ${how}`
    await page.goto(`${CLIENTS}/new`)
    await page.getByLabel('Name').fill(name)
    await page.getByLabel(/^Redirect URIs/).fill('callback')
    await page.getByLabel('Or a picture of your own').setInputFiles(picture('bomb.png'))
    await page.getByRole('button', { name: 'Create client' }).click()
    await page.getByText('more than 2048 × 2048 pixels').waitFor()
    await see('the form with a picture that is not taken')
    await page.getByLabel('Or a picture of your own').setInputFiles(picture('placed.jpg'))
    await page.getByRole('button', { name: 'Create client' }).click()
    await page.getByRole('radio', { name: 'The picture that you chose', checked: true }).waitFor()
    await see('the form with a picture that is taken')
    await page.getByLabel(/^Redirect URIs/).fill('http://localhost/callback')
    await page.getByRole('button', { name: 'Create client' }).click()
    await page.getByRole('link', { name: 'Manage MCP client' }).click()
    const logo = page.locator('h1 img.logo')
    await logo.evaluate((image) => image.decode())
    assert.equal(await logo.evaluate((image) => image.naturalWidth), 64)
    await see('the page of a client with a picture')
    await page.goto('/clients')
    await page.getByRole('row').filter({ hasText: name }).locator('img.logo').evaluate((image) => image.decode())
    await see('the clients with a picture')
    await page.getByRole('link', { name, exact: true }).click()
    await page.getByRole('link', { name: 'Manage MCP client' }).click()
    await page.getByRole('radio', { name: 'First letter' }).check()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText(`Saved ${name}.`).waitFor()
    assert.equal(await page.locator('h1 img').count(), 0)
  })

  test(`of a double click, a reload and the way back no secret is lost unsaid ${how}`, async (t) => {
    const page = await go(t, /status of 409/)
    const name = `Twice ${how}`
    await page.goto(`${CLIENTS}/new`)
    await page.getByLabel('Name').fill(name)
    await page.getByRole('radio', { name: /^Confidential/ }).check()
    await page.getByRole('button', { name: 'Create client' }).dblclick()
    if (javaScriptEnabled) {
      assert.match(await secretOf(page), /^uts_/)
      await page.getByRole('link', { name: 'Manage MCP client' }).click()
    } else {
      // Browsers show the answer to the second click alone.
      await page.getByText(/If you did not get to keep it, rotate|is registered/).first().waitFor()
    }
    await page.goto(CLIENTS)
    assert.equal(await page.getByRole('link', { name, exact: true }).count(), 1)
    await page.getByRole('link', { name, exact: true }).click()
    await page.getByText('Rotate the client secret').click()
    await page.getByRole('button', { name: 'Rotate secret' }).click()
    const secret = await secretOf(page)
    // To go back and forth, or to send it again, shows nothing twice.
    page.on('dialog', (dialog) => dialog.accept())
    await page.reload()
    await page.getByText('You have rotated the secret already').waitFor()
    assert.ok(!(await page.content()).includes(secret))
    await page.goBack()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
    assert.ok(!(await page.content()).includes(secret))
  })

  test(`a credential that is asked for twice is made once, and that is said ${how}`, async (t) => {
    const page = await go(t)
    await page.goto('/projects/new')
    await page.getByLabel('Name', { exact: true }).fill(`Server ${how}`)
    await page.getByLabel('MCP server URL').fill(`https://${how.replace(' ', '-')}.acme.example/mcp`)
    await page.getByRole('button', { name: 'Add project' }).click()
    await page.getByRole('link', { name: /^I have kept it/ }).click()
    const credentials = () => page.getByRole('table', { name: 'Introspection credentials' }).locator('tbody tr').count()
    const before = await credentials()
    await page.getByRole('button', { name: 'Make a credential' }).dblclick()
    await page.getByText(/Keep this secret now|could be shown only once/).first().waitFor()
    await page.goto(`/projects/server-${how.replace(' ', '-')}`)
    assert.equal(await credentials(), before + 1)
  })
}
