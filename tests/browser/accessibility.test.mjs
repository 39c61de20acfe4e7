// axe-core on every screen in each of its states, in light and dark, on a desk and on a phone,
// and without scripts where that shows something else. And the whole task by keyboard alone.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { App } from './lib/app.mjs'
import { startUntether } from './lib/server.mjs'
import { assertGoodAnywhere, launch, visit } from './lib/visit.mjs'

let browser, untether, app
before(async () => {
  ;[browser, untether] = await Promise.all([launch(), startUntether()])
  app = await App.register(untether, `${untether.public}/mcp`, 'Cursor')
  const context = await browser.newContext()
  const page = await context.newPage()
  for (const person of ['owner', 'ana']) {
    await context.addCookies([{ name: 'person', value: person, url: untether.public }])
    for (let n = 0; n < 15; n += 1) await app.connect(page)
  }
  await page.goto(`${untether.public}/connections?view=list`)
  await revokeOf(page).click()
  await page.getByLabel('Reason').fill('The laptop was left in a taxi')
  await page.getByRole('button', { name: 'Revoke access' }).click()
  await page.getByRole('status').filter({ hasText: 'Revoked Cursor#' }).waitFor()
  await context.close()
})
after(async () => {
  await browser?.close()
  app?.close()
  await untether?.close()
})

const LIST = '/connections?view=list'
const rows = (page) => page.getByRole('row').filter({ hasText: 'Cursor#' })
const revokeOf = (page) => rows(page).getByRole('link', { name: /^Revoke/ }).first()
const tick = (page) => rows(page).getByRole('checkbox').first()
const dialog = (page) => page.getByRole('dialog')
const link = (page, name) => page.getByRole('link', { name, exact: true }).first()
const heading = (page, name) => page.getByRole('heading', { name }).waitFor()
const follow = async (page, link) => page.goto(await link.getAttribute('href'))
const open = (page) => page.goto(`/connections?open=${app.clientId}`)

/** A state of a screen: how to get there, as whom, and what it is answered with if not 200. */
const at = (go, { person = 'owner', status = 200, js = true } = {}) => ({ go, person, status, js })
/** One that looks different without scripts. */
const bare = (go, options) => at(go, { ...options, js: false })
const to = (path) => (page) => page.goto(path)

const STATES = {
  'the list': at(to(LIST)),
  'the list without scripts': bare(to(LIST)),
  'the list with revoked connections': at(to(`${LIST}&status=active&status=revoked`)),
  'the list on its second page': at(async (page) => { await page.goto(`${LIST}&per=25`); await link(page, 'Next').click(); await link(page, 'Previous').waitFor() }),
  'a list that matches nothing': at(to('/connections?status=expired')),
  'the list of someone who connected nothing': at(to('/connections'), { person: 'ben' }),
  'filters in force': at(to(`${LIST}&q=cursor&type=public&idle_days=1&per=25`)),
  'the form of filters': at(async (page) => { await page.goto(LIST); await page.getByText('More filters').click() }),
  'the files to export': at(async (page) => { await page.goto(LIST); await page.getByText('Export').click() }),
  'the clients': at(to('/connections')),
  'the people': at(to('/connections?view=person')),
  'the projects': at(to('/connections?view=project')),
  'an open client': at(open),
  'an open client without scripts': bare(open),
  'an open client, sorted and with more rows': at((page) => page.goto(`/connections?open=${app.clientId}.50&rows=person`)),
  'rows that are ticked': at(async (page) => { await open(page); await tick(page).check() }),
  'the dialog before a revoke': at(async (page) => { await page.goto(LIST); await revokeOf(page).click(); await dialog(page).waitFor() }),
  'the page before a revoke': bare(async (page) => { await page.goto(LIST); await revokeOf(page).click(); await heading(page, 'Revoke 1 connection?') }),
  'what was done': at(async (page) => { await page.goto(LIST); await revokeOf(page).click(); await dialog(page).getByRole('button', { name: 'Revoke access' }).click(); await page.getByRole('status').filter({ hasText: 'Revoked' }).waitFor() }),
  'everything that matches': at(to('/connections/revoke-matching?q=cursor')),
  'a connection': at(async (page) => { await page.goto(LIST); await follow(page, rows(page).first().getByRole('link').first()) }),
  'a connection that was revoked': at(async (page) => { await page.goto(`${LIST}&status=revoked`); await follow(page, rows(page).first().getByRole('link').first()) }),
  'a client beside the list': at(async (page) => { await page.goto(LIST); await link(page, 'Cursor').click(); await dialog(page).waitFor() }),
  'the page of a client': bare((page) => page.goto(`/clients/${app.clientId}`)),
  'a person': at(async (page) => { await page.goto(LIST); await follow(page, rows(page).getByRole('link', { name: 'Ana Ruiz' }).first()) }),
  'my connections': at(to('/me')),
  'my connections when there are none': at(to('/me'), { person: 'ben' }),
  'every project': at(to('/projects')),
  'every client': at(to('/clients')),
  'the clients of a project': at(to('/projects/untether/clients')),
  'the form of a client': at(to('/projects/untether/clients/new?host=claude-code')),
  'the form of a client without scripts': bare(to('/projects/untether/clients/new')),
  'a project': at(to('/projects/untether')),
  'the form of a project': at(to('/projects/new')),
  'the help': at(to('/help')),
  'the consent page': at((page) => page.goto(app.authorizeUrl('look'))),
  'the error page of consent': at(to('/oauth/authorize?client_id=unknown'), { status: 400 }),
  'the error page of the list': at(to('/connections?status=mislaid'), { status: 400 }),
  'the page of what is not there': at(to('/connections/not-there'), { status: 404 }),
}

for (const [what, { go, person, status, js }] of Object.entries(STATES)) {
  test(`axe-core finds nothing on ${what}, in any light, and it fits a phone`, async (t) => {
    const expected = js ? (status === 200 ? undefined : new RegExp(`status of ${status}`)) : /ERR_FAILED/
    const page = await visit(t, browser, untether, person, { expected })
    // axe-core is a script itself: those of the page are lost on their way.
    if (!js) await page.route('**/*.js', (route) => route.abort())
    const answer = await go(page)
    if (answer) assert.equal(answer.status(), status)
    await assertGoodAnywhere(page, what)
  })
}

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
