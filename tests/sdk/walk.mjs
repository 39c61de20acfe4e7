// A project administrator at Chromium, who does what the screens say. One step a run; what they take
// along from the screen is printed as JSON.
//
//   node walk.mjs BASE EMAIL add NAME URL      adds a project: the file of settings and a snippet
//   node walk.mjs BASE EMAIL client NAME       makes a client for the Inspector: what to give it
//   node walk.mjs BASE EMAIL rows              the rows of the list of connections
import { readFile } from 'node:fs/promises'
import { launch } from '../browser/lib/visit.mjs'

const [base, email, step, ...given] = process.argv.slice(2)

async function add(page, name, url) {
  await page.goto('/projects')
  await page.getByRole('link', { name: 'Add a project' }).click()
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('MCP server URL').fill(url)
  await page.getByRole('button', { name: 'Add project' }).click()
  await page.getByRole('heading', { name: 'Keep this secret now' }).waitFor()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download as a file of settings' }).click()
  const settings = await readFile(await (await download).path(), 'utf8')
  await page.getByRole('link', { name: /^I have kept it/ }).click()
  await page.getByRole('heading', { name: 'Protect the server' }).waitFor()
  await page.getByText('Python SDK', { exact: true }).click()
  await page.getByRole('button', { name: 'Copy snippet for Python SDK' }).click()
  await page.getByText('Copied').waitFor()
  return { settings, snippet: await page.evaluate(() => navigator.clipboard.readText()) }
}

async function client(page, name) {
  await page.goto('/projects')
  await page.getByRole('link', { name, exact: true }).click()
  await page.getByRole('link', { name: 'MCP clients', exact: true }).click()
  await page.getByRole('link', { name: 'New MCP client' }).click()
  await page.getByRole('button', { name: 'MCP Inspector' }).click()
  await page.getByRole('button', { name: 'MCP Inspector', pressed: true }).waitFor()
  await page.getByRole('button', { name: 'Create client' }).click()
  await page.getByRole('heading', { name: 'MCP Inspector is registered' }).waitFor()
  await page.getByRole('link', { name: 'Set up a host' }).click()
  const inspector = page.locator('details').filter({ has: page.getByText('MCP Inspector', { exact: true }) })
  return { instructions: await inspector.locator('pre').textContent() }
}

async function rows(page) {
  await page.goto('/connections?view=list')
  return { rows: await page.getByRole('row').allTextContents() }
}

const browser = await launch()
try {
  const context = await browser.newContext({
    baseURL: base,
    extraHTTPHeaders: { 'X-Forwarded-Email': email },
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  console.log(JSON.stringify(await { add, client, rows }[step](page, ...given)))
} finally {
  await browser.close()
}
