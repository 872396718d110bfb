import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRegistry } from '../../../adapters/aws/registry.ts'
import { createThings } from '../../../adapters/aws/things.ts'
import { rotateCredential } from '../../../core/index.ts'
import { type Account, freshName, openAccount, pairTable, REGION } from './fresh-account.ts'
import { describeWithMoto, type Moto, startMoto } from './moto.ts'

const NOW = 1_750_000_000_000
const GRACE_MS = 3_600_000

describeWithMoto('AWS, certificates that end', () => {
  let moto: Moto
  let account: Account
  let table: string
  const clock = { time: NOW, now: () => clock.time }

  beforeAll(async () => {
    moto = await startMoto()
    process.env['AWS_ACCESS_KEY_ID'] = 'testing'
    process.env['AWS_SECRET_ACCESS_KEY'] = 'testing'
    account = await openAccount(moto.endpoint)
    table = freshName()
    await account.create(
      'dynamodb',
      'DynamoDB_20120810.CreateTable',
      pairTable(table, 'tbl', 'key'),
    )
    await account.client.send({
      service: 'iot',
      method: 'POST',
      path: '/policies/anyhub-device',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ policyDocument: '{"Version":"2012-10-17","Statement":[]}' }),
    })
  }, 90_000)
  afterAll(async () => {
    await account.close()
    await moto.stop()
  })

  async function statusOf(certificateId: string): Promise<string> {
    const { body } = await account.client.send({
      service: 'iot',
      method: 'GET',
      path: `/certificates/${certificateId}`,
    })
    return JSON.parse(body.toString('utf8')).certificateDescription.status
  }

  it('takes back the old certificate of a rotation when its grace is over, and no other', async () => {
    const things = createThings({
      region: REGION,
      endpoint: moto.endpoint,
      policy: 'anyhub-device',
      clock,
    })
    const registry = createRegistry({ dynamo: account.dynamo, table, things })
    const old = (await things.issueCertificate('dev-1')).credential
    const device = { deviceId: 'dev-1', tags: {}, enabled: true, createdAt: NOW }
    await registry.create({ ...device, version: 1, credentials: [old] })
    const fresh = (await things.issueCertificate('dev-1')).credential
    const credentials = rotateCredential([old], fresh, NOW + GRACE_MS)
    await registry.update({ ...device, version: 2, credentials })
    expect(await statusOf(old.digest)).toBe('ACTIVE')
    expect(await statusOf(fresh.digest)).toBe('ACTIVE')

    expect(await registry.end(NOW + GRACE_MS - 1, 10)).toBe(0)
    clock.time = NOW + GRACE_MS
    expect(await registry.end(clock.time, 10)).toBe(1)
    expect(await statusOf(old.digest)).toBe('INACTIVE')
    expect(await statusOf(fresh.digest)).toBe('ACTIVE')
    expect(await registry.end(clock.time, 10)).toBe(0)
  })
})
