// Every screen in each of its states: how to get there, in an organization made for it.
import { App } from './app.mjs'
import { startUntether } from './server.mjs'

/** Two people with fifteen connections of one client each, one that was revoked, and more projects: one in use, one archived. */
export async function organization(browser) {
  const untether = await startUntether()
  const app = await App.register(untether, `${untether.public}/mcp`, 'Cursor')
  const context = await browser.newContext()
  const page = await context.newPage()
  await app.connectMany('owner', 15)
  await app.connectMany('ana', 15)
  await context.addCookies([{ name: 'person', value: 'ana', url: untether.public }])
  await page.goto(`${untether.public}/connections?view=list`)
  await revokeOf(page).click()
  await page.getByLabel('Reason').fill('The laptop was left in a taxi')
  await page.getByRole('button', { name: 'Revoke access' }).click()
  await page.getByRole('status').filter({ hasText: 'Revoked Cursor#' }).waitFor()
  await context.addCookies([{ name: 'person', value: 'owner', url: untether.public }])
  for (const name of ['Search', 'Wiki', 'Old']) {
    await page.goto(`${untether.public}/projects/new`)
    await page.getByLabel('Name').fill(name)
    await page.getByLabel('MCP server URL').fill(`https://${name.toLowerCase()}.example.com/mcp`)
    await page.getByRole('button', { name: 'Add project' }).click()
    await page.getByRole('heading', { name: 'Keep this secret now' }).waitFor()
  }
  const user = await App.register(untether, 'https://search.example.com/mcp', 'Zed')
  await user.connect(page)
  user.close()
  await page.goto(`${untether.public}/projects/old/archive`)
  await page.getByRole('button', { name: 'Archive project' }).click()
  await page.getByText('Archived Old.').waitFor()
  await context.close()
  const close = async () => {
    app.close()
    await untether.close()
  }
  return { untether, app, close }
}

export const LIST = '/connections?view=list'
export const rows = (page) => page.getByRole('row').filter({ hasText: 'Cursor#' })
const revokeOf = (page) => rows(page).getByRole('link', { name: /^Revoke/ }).first()
export const tick = (page) => rows(page).getByRole('checkbox').first()
export const dialog = (page) => page.getByRole('dialog')
const link = (page, name) => page.getByRole('link', { name, exact: true }).first()
const heading = (page, name) => page.getByRole('heading', { name }).waitFor()
const follow = async (page, link) => page.goto(await link.getAttribute('href'))
const open = (page, { clientId }) => page.goto(`/connections?open=${clientId}`)
const press = (page, name) => page.getByRole('main').getByRole('button', { name, exact: true }).click()
/** A client with a secret of the project Search, on the page that manages it. */
const managed = async (page) => {
  await page.goto('/projects/search/clients/new')
  await page.getByLabel('Name', { exact: true }).fill('Night job')
  await page.getByRole('textbox', { name: 'Redirect URIs' }).fill('https://night.example.com/callback')
  await page.getByLabel('Confidential').check()
  await press(page, 'Create client')
  await link(page, 'Manage MCP client').click()
  await heading(page, 'Edit')
}
const endClient = async (page, typed) => {
  await managed(page)
  await page.getByText('Revoke this client').click()
  await page.getByLabel('Type Night job to confirm').fill(typed)
  await press(page, 'Revoke client')
}
/** Saves the form of a project or client after somebody else gave it this name. */
const saveLate = async (page, name) => {
  await page.getByLabel('Name', { exact: true }).fill('Mine')
  const other = await page.context().newPage()
  await other.goto(page.url())
  await other.getByLabel('Name', { exact: true }).fill(name)
  await press(other, 'Save')
  await other.getByRole('status').filter({ hasText: 'Saved' }).waitFor()
  await other.close()
  await press(page, 'Save')
}
const nameOfFirst = async (page) => /Cursor#[a-z-]+/.exec(await rows(page).first().textContent())[0]
/** The preview of all that matches the name of the first connection, confirmed after `meanwhile`: the act. */
const confirmAll = async (page, meanwhile = async () => {}) => {
  await page.goto(LIST)
  await page.goto(`/connections/revoke-matching?q=${encodeURIComponent(await nameOfFirst(page))}`)
  await meanwhile(await page.context().newPage())
  await page.getByLabel('Type 1 to confirm').fill('1')
  const act = await page.locator('[name=act]').inputValue()
  await page.getByRole('button', { name: 'Revoke access' }).click()
  return act
}

/** A state of a screen: how to get there, as whom, and what it is answered with if not 200; `go` takes a page and the app. */
const at = (go, { person = 'owner', status = 200, js = true } = {}) => ({ go, person, status, js })
/** One that looks different without scripts. */
const bare = (go, options) => at(go, { ...options, js: false })
const to = (path) => (page) => page.goto(path)

export const STATES = {
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
  'an open client, sorted and with more rows': at((page, { clientId }) => page.goto(`/connections?open=${clientId}.50&rows=person`)),
  'rows that are ticked': at(async (page, app) => { await open(page, app); await tick(page).check() }),
  'the dialog before a revoke': at(async (page) => { await page.goto(LIST); await revokeOf(page).click(); await dialog(page).waitFor() }),
  'the page before a revoke': bare(async (page) => { await page.goto(LIST); await revokeOf(page).click(); await heading(page, 'Revoke 1 connection?') }),
  'what was done': at(async (page) => { await page.goto(LIST); await revokeOf(page).click(); await dialog(page).getByRole('button', { name: 'Revoke access' }).click(); await page.getByRole('status').filter({ hasText: 'Revoked' }).waitFor() }),
  'a reason that is too long': at(async (page) => { await page.goto(LIST); await revokeOf(page).click(); await dialog(page).getByLabel('Reason').evaluate((field) => { field.maxLength = 1000; field.value = 'x'.repeat(501) }); await dialog(page).getByRole('button', { name: 'Revoke access' }).click(); await dialog(page).getByRole('alert').waitFor() }, { status: 400 }),
  'everything that matches': at(to('/connections/revoke-matching?q=cursor')),
  'a count that is mistyped': at(async (page) => { await page.goto('/connections/revoke-matching?q=cursor'); await page.getByLabel(/^Type/).fill('1000'); await page.getByRole('button', { name: 'Revoke access' }).click(); await page.getByRole('main').getByRole('alert').waitFor() }, { status: 400 }),
  'what matches when it has changed': at(async (page) => { await confirmAll(page, async (other) => { await other.goto(LIST); await revokeOf(other).click(); await dialog(other).getByRole('button', { name: 'Revoke access' }).click(); await other.getByRole('status').filter({ hasText: 'Revoked' }).waitFor(); await other.close() }) }, { status: 409 }),
  'everything that was revoked': at(async (page) => { const act = await confirmAll(page); await page.getByRole('status').filter({ hasText: 'Revoked' }).waitFor(); await page.goto(`/acts/${act}`); await heading(page, 'Revoked 1 connection') }),
  'nothing that matches': at(to('/connections/revoke-matching?q=zzz')),
  'a connection': at(async (page) => { await page.goto(LIST); await follow(page, rows(page).first().getByRole('link').first()) }),
  'a connection that was revoked': at(async (page) => { await page.goto(`${LIST}&status=revoked`); await follow(page, rows(page).first().getByRole('link').first()) }),
  'a client beside the list': at(async (page) => { await page.goto(LIST); await link(page, 'Cursor').click(); await dialog(page).waitFor() }),
  'the page of a client': bare((page, { clientId }) => page.goto(`/clients/${clientId}`)),
  'a person': at(async (page) => { await page.goto(LIST); await follow(page, rows(page).getByRole('link', { name: 'Ana Ruiz' }).first()) }),
  'my connections': at(to('/me')),
  'my connections when there are none': at(to('/me'), { person: 'ben' }),
  'the clients in a list of their own': at(to('/clients')),
  'every project': at(to('/projects')),
  'the clients of a project': at(to('/projects/untether/clients')),
  'the form of a client': at(to('/projects/untether/clients/new?host=claude-code')),
  'the form of a client without scripts': bare(to('/projects/untether/clients/new')),
  'a project': at(to('/projects/untether')),
  'what to paste for a project': at(async (page) => { await page.goto('/projects/search#protect'); await page.getByText('nginx', { exact: true }).click() }),
  'what to paste for a project without scripts': bare(async (page) => { await page.goto('/projects/search#protect'); await page.getByText('TypeScript SDK', { exact: true }).click() }),
  'the question before a project is archived': at(to('/projects/wiki/archive')),
  'a project that is in use': at(to('/projects/search/archive')),
  'the form of a project with faults': at(async (page) => { await page.goto('/projects/new'); await page.getByLabel('Name').fill('x'); await page.getByLabel('MCP server URL').fill('search.example.com'); await page.getByLabel('Slug').fill('No slug'); await page.getByLabel('Administrators').fill('nobody'); await page.getByLabel('Scope 1', { exact: true }).fill('se arch'); await press(page, 'Add project'); await page.getByText('not a complete address').waitFor() }, { status: 400 }),
  'a project that was changed meanwhile': at(async (page) => { await page.goto('/projects/wiki/edit'); await saveLate(page, 'Wiki 2'); await heading(page, 'What was changed meanwhile') }, { status: 409 }),
  'a credential that is shown once': at(async (page) => { await page.goto('/projects/search'); await press(page, 'Make a credential'); await heading(page, 'Keep this secret now') }),
  'the question before a credential is revoked': at(async (page) => { await page.goto('/projects/search'); await page.getByRole('link', { name: /^Revoke credential/ }).first().click(); await heading(page, 'Revoke this credential?') }),
  'what a check found': at(async (page) => { await page.goto('/projects/search/check'); await press(page, 'Check now'); await heading(page, 'What was found') }),
  'the form of a client with faults': at(async (page) => { await page.goto('/projects/search/clients/new'); await page.getByLabel('Name', { exact: true }).fill('x'); await page.getByRole('textbox', { name: 'Redirect URIs' }).fill('ftp://x'); await press(page, 'Create client'); await page.getByRole('alert').waitFor() }, { status: 400 }),
  'a client to manage': at(async (page) => { await managed(page); await page.getByText('Rotate the client secret').click(); await page.getByText('Revoke this client').click() }),
  'a client that was changed meanwhile': at(async (page) => { await managed(page); await saveLate(page, 'Day job'); await page.getByRole('alert').waitFor() }, { status: 409 }),
  'a client secret that is shown once': at(async (page) => { await managed(page); await page.getByText('Rotate the client secret').click(); await press(page, 'Rotate secret'); await page.getByText('The client secret is shown only now.').waitFor() }),
  'a name that is mistyped before a client is revoked': at(async (page) => { await endClient(page, 'Day job'); await page.getByRole('alert').waitFor() }, { status: 400 }),
  'a client that was revoked': at(async (page) => { await endClient(page, 'Night job'); await page.getByText('Delete this record').click() }),
  'a project that was archived': at(to('/projects/old')),
  'archived projects': at(to('/projects?archived=yes')),
  'the clients of a project that was archived': at(to('/projects/old/clients')),
  'the form of a project': at(to('/projects/new')),
  'the audit trail': at(to('/audit')),
  'the audit trail when nothing matches': at(to('/audit?q=nothing-like-it')),
  'the help': at(to('/help')),
  'the consent page': at((page, app) => page.goto(app.authorizeUrl('look'))),
  'the error page of consent': at(to('/oauth/authorize?client_id=unknown'), { status: 400 }),
  'the error page of the list': at(to('/connections?status=mislaid'), { status: 400 }),
  'the page of what is not there': at(to('/connections/not-there'), { status: 404 }),
}
