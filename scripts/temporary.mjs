import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs `work` in a folder of its own and removes it afterwards. */
export async function inTemporaryFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs a command to its end and returns what it printed. Throws if it fails. */
export function run(command, args, options = {}) {
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
    ...options,
  })
}

/** Starts a cloud on free ports, hands its ready line to `work`, ends it and checks that it ended well. */
export async function withCloud(command, args, options, work) {
  const ports = [
    '--http-port',
    '0',
    '--mqtt-port',
    '0',
    '--data',
    join(options.cwd, 'data'),
    '--json',
  ]
  const child = spawn(command, [...args, 'start', ...ports], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  try {
    let text = ''
    for await (const chunk of child.stdout) {
      text += chunk
      if (text.includes('\n')) break
    }
    if (!text.includes('\n')) throw new Error('the cloud ended before it was ready')
    await work(JSON.parse(text.slice(0, text.indexOf('\n'))))
  } finally {
    child.kill('SIGTERM')
  }
  const code = await exited
  if (code !== 0) throw new Error(`the cloud ended with ${code}`)
}

/** One message in, one device out: enough to see that it works. */
export async function smoke({ http }) {
  const answer = await fetch(`${http}/devices/dev-1/telemetry`, {
    method: 'POST',
    body: '{"temp": 31}',
  })
  if (answer.status !== 202) throw new Error(`expected 202, found ${answer.status}`)
  const device = await (await fetch(`${http}/devices/dev-1`)).json()
  if (device.last?.temp?.value !== 31)
    throw new Error(`expected temp 31, found ${JSON.stringify(device.last)}`)
  const page = await fetch(`${http}/`)
  if (page.status !== 200) throw new Error(`expected the page, found ${page.status}`)
}
