import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type GoogleCloud, openGoogleCloud } from './google-cloud.ts'

export const ROOT = resolve(import.meta.dirname, '../../..')

const SERVICES = [
  'bigquery',
  'cloudbuild',
  'cloudfunctions',
  'cloudresourcemanager',
  'cloudscheduler',
  'eventarc',
  'firestore',
  'iam',
  'iamcredentials',
  'logging',
  'pubsub',
  'run',
  'secretmanager',
  'serviceusage',
  'storage',
]

export interface Printed {
  readonly code: number
  readonly text: string
}

/** A Google Cloud of our own, a folder with a service, and the CLI of Serverless between them. */
export interface Stage {
  readonly cloud: GoogleCloud
  readonly folder: string
  /** Variables that send Google's tools to our cloud, logged in. */
  readonly env: Readonly<Record<string, string>>
  /** Runs `sls`, whatever becomes of it. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Printed>
  /** Runs `sls`; resolves with what it printed, and fails with that if it fails. */
  sls(...args: readonly string[]): Promise<string>
  close(): Promise<void>
}

/** Opens a stage in which nothing is deployed, with a copy of a folder or of parts of the repository. */
export async function openStage(
  fill: { readonly copy: string } | { readonly parts: readonly string[] },
  given: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const cloud = await openGoogleCloud()
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-deploy-gcp-'))
  if ('copy' in fill) {
    cpSync(fill.copy, folder, { recursive: true })
    symlinkSync(join(ROOT, 'deploy/gcp/plugin'), join(folder, 'plugin'))
  } else {
    for (const name of fill.parts) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  }
  symlinkSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  const credentials = join(folder, 'credentials.json')
  const subject = join(folder, 'subject')
  writeFileSync(subject, 'a-subject-token')
  writeFileSync(
    credentials,
    JSON.stringify({
      type: 'external_account',
      audience:
        '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${cloud.origin}/token`,
      credential_source: { file: subject },
    }),
  )
  const env = {
    ...Object.fromEntries(
      SERVICES.map((service) => [
        `CLOUDSDK_API_ENDPOINT_OVERRIDES_${service.toUpperCase()}`,
        `${cloud.origin}/${service}/`,
      ]),
    ),
    GOOGLE_APPLICATION_CREDENTIALS: credentials,
    ...given,
  }
  const run: Stage['run'] = (args, more = {}) => spawned(args, folder, { ...env, ...more })
  return {
    cloud,
    folder,
    env,
    run,
    async sls(...args) {
      const { code, text } = await run(args)
      if (code === 0) return text
      throw new Error(`sls ${args.join(' ')}: exit code ${code}\n${text}`)
    },
    async close() {
      await cloud.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** The CLI as a process of its own, with our Node. */
function spawned(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Printed> {
  const sls = join(ROOT, 'node_modules/serverless/bin/serverless.js')
  const child = spawn(process.execPath, [sls, ...args], {
    cwd,
    env: { ...process.env, ...env, CI: 'true' },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
  return new Promise((done, reject) => {
    child.on('error', reject)
    child.on('close', (code) => done({ code: code ?? -1, text }))
  })
}
