// The panel of a client beside a list, and the pages of a person, as people use them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { App } from './lib/app.mjs'
import { startUntether } from './lib/server.mjs'
import { assertAccessible, assertFits, launch, visit } from './lib/visit.mjs'

let browser, untether, app
before(async () => {
  ;[browser, untether] = await Promise.all([launch(), startUntether()])
  app = await App.register(untether, `${untether.public}/mcp`, 'Cursor')
  const context = await browser.newContext()
  await context.addCookies([{ name: 'person', value: 'owner', url: untether.public }])
  await app.connect(await context.newPage())
  await context.close()
})
after(async () => {
  await browser?.close()
  app?.close()
  await untether?.close()
})

const LISTS = ['/me']
const client = (page) => page.getByRole('link', { name: 'Cursor', exact: true }).first()
const panel = (page) => page.getByRole('dialog', { name: 'Cursor' })
const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement)
/** What the page asks for from now on, but for the icon, which browsers ask for again. */
function countRequests(page) {
  const seen = []
  page.on('request', (request) => request.url().includes('/static/') || seen.push(request.url()))
  return seen
}

/** From now on the page's second script arrives when the first has long run, as on a slow link. */
async function delaySecondScript(page) {
  const arrived = []
  await page.route('**/static/*.js', async (route) => {
    const first = (arrived.push(route), arrived.length === 1)
    if (!first) {
      await arrived[0].request().response().then((response) => response.finished())
      for (let frame = 0; frame < 10; frame++) await page.evaluate(() => new Promise(requestAnimationFrame))
    }
    await route.continue()
  })
}

for (const [list, link] of LISTS.flatMap((list) => [[list, 'fast'], [list, 'slow']])) {
  test(`from ${list} a client opens beside it, and Esc gives back the row and the address, on a ${link} link`, async (t) => {
    const page = await visit(t, browser, untether, 'owner')
    if (link === 'slow') await delaySecondScript(page)
    await page.goto(list)
    const title = await page.title()
    await client(page).focus()
    await page.keyboard.press('Enter')
    await panel(page).waitFor()
    assert.equal(new URL(page.url()).pathname, `/clients/${app.clientId}`)
    assert.ok(await isFocused(panel(page).getByRole('link', { name: 'Close' })), 'Close is not focused')
    assert.equal(await page.title(), 'Cursor · Acme')
    const requests = countRequests(page)
    await page.keyboard.press('Escape')
    await panel(page).waitFor({ state: 'detached' })
    await page.waitForURL(`**${list}`)
    await page.waitForFunction(() => document.activeElement.textContent == 'Cursor')
    assert.ok(await isFocused(client(page)), 'the focus is not on the row again')
    assert.equal(await page.title(), title)
    assert.deepEqual(requests, [], 'closing loaded something')

    await client(page).click()
    await panel(page).getByRole('link', { name: 'Close' }).click()
    await panel(page).waitFor({ state: 'detached' })
    await page.waitForURL(`**${list}`)

    await client(page).click()
    await panel(page).waitFor()
    await page.goBack()
    await panel(page).waitFor({ state: 'detached' })
    await page.waitForURL(`**${list}`)
    await client(page).waitFor()
  })
}

test('the address of a panel is a page that can be opened again', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/me')
  await client(page).click()
  await panel(page).waitFor()
  await page.reload()
  await page.getByRole('navigation', { name: 'Main' }).waitFor()
  await page.getByRole('heading', { name: 'Cursor' }).waitFor()
})

test('behind a panel that was loaded again is the list', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/me')
  await client(page).click()
  await panel(page).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Cursor' }).waitFor()
  await page.goBack()
  await page.getByRole('heading', { name: 'My connections' }).waitFor()
  assert.equal(new URL(page.url()).pathname, '/me')
})

test('farther back than the page behind a panel is what stands at that address', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list')
  await page.getByRole('link', { name: /^Expired/ }).click()
  await page.waitForURL(/status=active/)
  await page.getByRole('link', { name: 'Cursor', exact: true }).first().click()
  await panel(page).waitFor()
  await page.evaluate(() => history.go(-2))
  await page.waitForURL('**/connections?view=list')
  await page.waitForFunction(() => document.querySelectorAll('.chips a[aria-current]').length === 2)
})

test('two panels that are asked for at once leave one way back', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto('/connections?view=list')
  const asked = []
  await page.route('**/clients/*', async (route) => {
    asked.push(route)
    // The first may have been given up.
    if (asked.length == 2) for (const one of asked) await one.continue().catch(() => {})
  })
  // Of one link, htmx would send the second request when the first has been answered.
  const link = page.getByRole('link', { name: 'Cursor', exact: true })
  await link.first().evaluate((one) => one.after(one.cloneNode(true)))
  for (const one of await link.all()) await one.dispatchEvent('click')
  await page.waitForFunction(() => document.querySelector('#panel > :modal'))
  await page.waitForLoadState('networkidle')
  await page.keyboard.press('Escape')
  await panel(page).waitFor({ state: 'detached' })
  await page.waitForURL('**/connections?view=list')
})

test('Copy copies the very text', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto('/me')
  await client(page).click()
  const copied = async (name) => {
    await panel(page).getByRole('button', { name: `Copy ${name}` }).click()
    await panel(page).getByRole('button', { name: `Copied ${name}` }).waitFor()
    return page.evaluate(() => navigator.clipboard.readText())
  }
  assert.equal(await copied('client ID'), app.clientId)
  assert.equal(await copied('MCP server URL of Untether'), `${untether.public}/mcp`)
  await panel(page).getByText('VS Code', { exact: true }).click()
  const file = JSON.parse(await copied('configuration of VS Code'))
  assert.deepEqual(file, { servers: { untether: { type: 'http', url: `${untether.public}/mcp` } } })
})

test('where the clipboard cannot be written the text is selected', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }))
  await page.goto(`/clients/${app.clientId}`)
  await page.getByRole('button', { name: 'Copy client ID' }).click()
  await page.getByRole('button', { name: 'Selected client ID' }).waitFor()
  assert.equal(await page.evaluate(() => String(getSelection())), app.clientId)
})

test('without scripts a client is a page, with nothing that needs them', async (t) => {
  const page = await visit(t, browser, untether, 'owner', { js: false })
  await page.goto('/me')
  await client(page).click()
  await page.getByRole('heading', { name: 'Cursor' }).waitFor()
  assert.equal(new URL(page.url()).pathname, `/clients/${app.clientId}`)
  assert.equal(await page.getByRole('button', { name: /^Copy/ }).count(), 0)
  assert.ok((await page.getByRole('main').textContent()).includes('claude mcp add --transport http untether'))
  await page.getByRole('link', { name: 'Close' }).click()
  await page.waitForURL((url) => url.pathname === '/me')
})

test('one of my connections is revoked without leaving my connections', async (t) => {
  const page = await visit(t, browser, untether, 'ana')
  await app.connect(page)
  await page.goto('/')
  assert.equal(new URL(page.url()).pathname, '/me', 'a member does not begin at their own connections')
  await page.getByRole('link', { name: /^Revoke Cursor#/ }).click()
  await page.getByRole('button', { name: 'Revoke access' }).click()
  await page.getByRole('status').filter({ hasText: 'Revoked Cursor#' }).waitFor()
  assert.equal(new URL(page.url()).pathname, '/me')
  await page.getByRole('heading', { name: 'My connections' }).waitFor()
})

const SCREENS = {
  'my connections': { open: (page) => page.goto('/me') },
  'my connections when there are none': { open: (page) => page.goto('/me'), person: 'ben' },
  'the page of a client': { open: (page) => page.goto(`/clients/${app.clientId}`) },
  'the panel of a client': {
    async open(page) {
      await page.goto('/me')
      await client(page).click()
      await panel(page).waitFor()
    },
  },
  'the page of a person': {
    async open(page) {
      await page.goto('/me')
      const href = await page.getByRole('link', { name: 'Revoke all' }).getAttribute('href')
      await page.goto(`/people/${new URLSearchParams(href.split('?')[1]).get('person')}`)
    },
  },
}

for (const [what, { open, person = 'owner' }] of Object.entries(SCREENS)) {
  test(`axe-core finds nothing on ${what}, in any light, and it fits a phone`, async (t) => {
    const page = await visit(t, browser, untether, person)
    await open(page)
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 })
      await assertFits(page, `${what} at ${width} px`)
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme })
        await assertAccessible(page, `${what} at ${width} px, ${colorScheme}`)
      }
    }
  })
}
