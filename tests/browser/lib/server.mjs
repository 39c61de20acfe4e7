// Starts the real program, with a small SSO proxy in front that signs in whoever the `person`
// cookie names. The browser talks to the proxy, as people do, and needs no headers of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
export const BINARY = process.env.UNTETHER_BIN ?? path.join(ROOT, 'target/debug/untether')

export const PEOPLE = {
  owner: { email: 'owner@acme.example', name: 'Olga Owner' },
  ana: { email: 'ana@acme.example', name: 'Ana Ruiz' },
  ben: { email: 'ben@acme.example', name: 'Ben Okafor' },
}

/** Asks again until `check` answers something true; fails after the deadline. */
export async function until(what, check, seconds = 15) {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const answer = await check()
    if (answer) return answer
    if (Date.now() > deadline) throw new Error(`after ${seconds} s still not: ${what}`)
    await pause(20)
  }
}

export async function freePort() {
  const listener = net.createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address()
  await new Promise((closed) => listener.close(closed))
  return port
}

/** The variables of this process without any that would configure the program. */
export function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('UNTETHER_')))
}

/** Passes requests on to `port` with the identity of the person whom the cookie names, and no other. */
function ssoProxy(port) {
  return http.createServer((request, response) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !name.startsWith('x-forwarded-')),
    )
    const person = PEOPLE[/(?:^|; )person=(\w+)/.exec(request.headers.cookie ?? '')?.[1]]
    if (person) {
      headers['x-forwarded-email'] = person.email
      headers['x-forwarded-preferred-username'] = person.name
    }
    // A connection of its own: one that is kept may be closed by the server just when it is used.
    const options = { host: '127.0.0.1', port, path: request.url, method: request.method, headers, agent: false }
    const onward = http.request(options, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
}

/** Serves a fresh organization; `public` is its address, behind the SSO proxy. */
export async function startUntether() {
  const directory = await mkdtemp(path.join(tmpdir(), 'untether-browser-'))
  const port = await freePort()
  const proxy = ssoProxy(port).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = `http://127.0.0.1:${proxy.address().port}`
  const environment = {
    ...cleanEnvironment(),
    UNTETHER_LISTEN: `127.0.0.1:${port}`,
    UNTETHER_PUBLIC_URL: address,
    UNTETHER_DATABASE_URL: `sqlite://${directory}/untether.db`,
    UNTETHER_ORGANIZATION: 'Acme',
    UNTETHER_TRUSTED_PROXIES: '127.0.0.1/32',
    UNTETHER_OWNERS: PEOPLE.owner.email,
  }
  const logPath = path.join(directory, 'untether.log')
  const log = await open(logPath, 'a')
  const child = spawn(BINARY, ['serve'], { env: environment, cwd: directory, stdio: ['ignore', log.fd, log.fd] })
  const ended = once(child, 'exit')
  await until('the program is ready', async () => {
    if (child.exitCode !== null) throw new Error(`untether exited:\n${await readFile(logPath, 'utf8')}`)
    const answer = await fetch(`${address}/readyz`).catch(() => null)
    return answer?.status === 200
  })

  return {
    public: address,
    async close() {
      child.kill('SIGTERM')
      await ended
      proxy.closeAllConnections()
      proxy.close()
      await log.close()
      await rm(directory, { recursive: true })
    },
  }
}
