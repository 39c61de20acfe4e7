// `untether demo`: a throw-away organization that anyone can look at with one command.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { BINARY, cleanEnvironment, freePort, until } from './lib/server.mjs'
import { launch, visit } from './lib/visit.mjs'

const PERSONAS = ['Owner', 'Project administrator', 'Auditor', 'Member']

let browser, demo, directory
/** Starts the demo and collects what it prints. */
function run(...args) {
  const child = spawn(BINARY, ['demo', ...args], { env: cleanEnvironment(), cwd: directory })
  const program = { child, output: '', ended: once(child, 'exit') }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (program.output += text))
  return program
}

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'untether-demo-'))
  browser = await launch()
  const program = run('--listen', `127.0.0.1:${await freePort()}`)
  const address = await until('the demo prints its address', () => {
    assert.equal(program.child.exitCode, null, program.output)
    return /http:\/\/(?:127\.0\.0\.1|localhost):\d+/.exec(program.output)?.[0]
  })
  demo = { ...program, public: address }
  await until('the demo is ready', async () => (await fetch(`${address}/readyz`).catch(() => null))?.status === 200)
})
after(async () => {
  await browser?.close()
  demo?.child.kill('SIGTERM')
  await demo?.ended
  await rm(directory, { recursive: true })
})

/** Picks a persona in the switcher, whatever controls it is made of. */
async function become(page, persona) {
  const select = page.getByRole('combobox').filter({ has: page.getByRole('option', { name: persona, exact: true }) })
  if (await select.count()) {
    await select.selectOption({ label: persona })
    const submit = select.locator('xpath=ancestor::form').getByRole('button')
    if (await submit.count()) await submit.first().click()
    return
  }
  await page.getByRole('button', { name: persona, exact: true }).click()
}

for (const js of [true, false]) {
  test(`the persona switcher changes who looks, ${js ? 'with' : 'without'} scripts`, async (t) => {
    const page = await visit(t, browser, demo, null, { js })
    const seen = {}
    for (const persona of PERSONAS) {
      await page.goto('/connections?view=list&per=100')
      await become(page, persona)
      await page.goto('/connections?view=list&per=100')
      seen[persona] = {
        rows: await page.getByRole('row').filter({ has: page.getByRole('cell') }).count(),
        revokes: await page.getByRole('link', { name: /^Revoke .*#/ }).count(),
      }
    }
    assert.ok(seen.Owner.rows > seen.Member.rows, JSON.stringify(seen))
    assert.equal(seen.Auditor.rows, seen.Owner.rows, 'an auditor sees all')
    assert.equal(seen.Auditor.revokes, 1, 'an auditor revokes what is their own')
    assert.ok(seen.Owner.revokes > 0 && seen.Member.revokes > 0, JSON.stringify(seen))
    const administered = seen['Project administrator'].rows
    assert.ok(administered < seen.Owner.rows && administered > 0, JSON.stringify(seen))
  })
}

test('who changes persona on the answer to a form comes to a page that is there', async (t) => {
  const page = await visit(t, browser, demo, null)
  await page.goto('/projects')
  await page.getByRole('rowheader').getByRole('link').first().click()
  await page.locator('form[action$="/credentials"] button').last().click()
  await page.locator('#secret, code').first().waitFor()
  const switched = page.waitForResponse((answer) => answer.request().isNavigationRequest() && answer.status() < 300)
  await page.getByRole('button', { name: 'Auditor' }).click()
  assert.equal((await switched).status(), 200)
  assert.equal(new URL(page.url()).pathname, '/connections')
})

test('the demo says how to connect a host to it', () => {
  assert.ok(demo.output.includes(`${demo.public}/mcp`), demo.output)
})

test('the demo shows connections in every state', async (t) => {
  const page = await visit(t, browser, demo, null)
  for (const status of ['active', 'expired', 'revoked']) {
    await page.goto(`/connections?view=list&status=${status}`)
    assert.ok((await page.getByRole('row').filter({ hasText: new RegExp(status, 'i') }).count()) > 0, status)
  }
})

test('the demo leaves nothing where it was started', async () => {
  assert.deepEqual(await readdir(directory), [])
})

test('the demo refuses an address that others could reach', async () => {
  const refused = run('--listen', '0.0.0.0:0')
  const [code] = await refused.ended
  assert.notEqual(code, 0)
  assert.match(refused.output, /loopback/)
})
