import { describe, expect, it } from 'vitest'
import { differences } from '../../../deploy/azure/plugin/compare.ts'
import { readErrors } from '../../../deploy/azure/plugin/errors.ts'
import { createNames, guidOf } from '../../../deploy/azure/plugin/names.ts'
import { SUBSCRIPTION } from './azure-cloud.ts'

describe('what differs from what stands there', () => {
  it.each([
    ['what only Azure sets', { a: 1 }, { a: 1, provisioningState: 'Succeeded' }],
    ['a place in other letters', { location: 'westeurope' }, { location: 'West Europe' }],
    ['an id in other letters', { id: '/resourceGroups/X' }, { id: '/resourcegroups/x' }],
    [
      'an id as a key',
      { ids: { '/resourceGroups/X': {} } },
      { ids: { '/resourcegroups/x': { clientId: '1' } } },
    ],
    ['a duration', { ttl: 'PT48H' }, { ttl: 'P2D' }],
    ['minutes as seconds', { ttl: 'PT1M' }, { ttl: 'PT60S' }],
    ['an expression', { key: "[listKeys('x')]" }, {}],
    ['a list in another order', { all: [{ n: 1 }, { n: 2 }] }, { all: [{ n: 2, x: 1 }, { n: 1 }] }],
    ['a default that is not told', { on: false, text: '' }, {}],
    ['a setting that is kept elsewhere', { siteConfig: { a: 1 } }, {}],
    ['a name that is told once', { properties: { name: 'x' } }, { properties: { created: 'now' } }],
  ])('is not %s', (_what, wanted, found) => {
    expect(differences(wanted, found)).toEqual([])
  })

  it.each([
    ['a value', { a: { b: 1 } }, { a: { b: 2 } }, ['a.b']],
    ['what is missing', { a: { b: 1 } }, {}, ['a.b']],
    ['a flag', { on: true }, { on: false }, ['on']],
    ['another duration', { ttl: 'PT48H' }, { ttl: 'P1D' }, ['ttl']],
    ['a longer list', { all: [1] }, { all: [1, 2] }, ['all']],
    ['another entry', { all: [{ n: 1 }] }, { all: [{ n: 2 }] }, ['all']],
    ['a list that is none', { all: [1] }, { all: 1 }, ['all']],
    ['a text that is a number', { n: 1 }, { n: '1' }, ['n']],
  ])('is %s', (_what, wanted, found, paths) => {
    expect(differences(wanted, found)).toEqual(paths)
  })
})

describe('what Azure says of an error', () => {
  it.each([
    ['the usual', { error: { code: 'A', message: 'b' } }, [['A', 'b', '']]],
    ['a code alone', { code: 'A' }, [['A', '', '']]],
    ['large letters', { Code: 'A', Message: 'b' }, [['A', 'b', '']]],
    ['IoT Hub', { ErrorCode: 'x', Message: 'b' }, [['', 'b', '']]],
    [
      'details',
      {
        error: {
          code: 'Outer',
          message: 'see',
          details: [
            { code: 'A', message: 'b', target: 't' },
            { code: 'C', message: 'd' },
          ],
        },
      },
      [
        ['A', 'b', 't'],
        ['C', 'd', ''],
      ],
    ],
    [
      'JSON within a text',
      { error: { code: 'Outer', message: '{"error":{"code":"A","message":"b"}}', target: 't' } },
      [['A', 'b', 't']],
    ],
    ['a text', 'no JSON', [['', 'no JSON', '']]],
    ['a text of JSON', '{"error":{"code":"A","message":"b"}}', [['A', 'b', '']]],
    ['nothing', undefined, [['', '""', '']]],
    ['null', null, [['', '""', '']]],
    ['a number', 5, [['', '5', '']]],
    ['a list', [{ code: 'A', message: 'b' }], [['', '[{"code":"A","message":"b"}]', '']]],
    ['no object as an error', { error: 'bad' }, [['', '{"error":"bad"}', '']]],
  ])('is read: %s', (_what, body, faults) => {
    expect(readErrors(body).map(({ code, message, target }) => [code, message, target])).toEqual(
      faults,
    )
  })

  it('is read however deep it is wrapped, and ends', () => {
    let body: unknown = { code: 'A', message: 'b' }
    for (let depth = 0; depth < 50; depth++)
      body = { error: { code: 'Outer', message: 'm', details: [body] } }
    expect(readErrors(body).length).toBe(1)
  })
})

describe('names', () => {
  const names = (resourceGroup?: string, service = 'anyhub') =>
    createNames({
      service,
      stage: 'dev',
      subscriptionId: SUBSCRIPTION,
      region: 'westeurope',
      resourceGroup,
    })

  it('are the same each time, and others in another group', () => {
    expect(names().app).toBe(names().app)
    expect(names().app).not.toBe(names('other').app)
    expect(names().storage('data')).toMatch(/^anyhubdevdata[a-z0-9]{8}$/)
    // Azure tells groups apart without their letters being large or small.
    expect(names('Other').app).toBe(names('other').app)
  })

  it('fit where they are bounded', () => {
    const long = names(undefined, 'a-service-of-many-letters')
    expect(long.storage('host').length).toBe(24)
    expect(long.storage('host')).toMatch(/^[a-z0-9]+$/)
    expect(long.vault.length).toBeLessThanOrEqual(24)
    expect(long.vault).toMatch(/^[a-z](?:-?[a-z0-9])*$/)
  })

  it('of assignments are UUIDs that only these words make', () => {
    expect(guidOf('a', 'b')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    expect(guidOf('A', 'b')).toBe(guidOf('a', 'B'))
    expect(guidOf('a', 'b')).not.toBe(guidOf('ab'))
  })

  it.each([
    [{ service: 'Any' }, 'service and stage'],
    [{ stage: 'a--b' }, 'service and stage'],
    [{ stage: 'x'.repeat(40) }, 'service and stage'],
    [{ subscriptionId: 'mine' }, 'provider.subscriptionId'],
    [{ resourceGroup: 'a b' }, 'provider.resourceGroup'],
    [{ resourceGroup: 'ends.' }, 'provider.resourceGroup'],
  ])('refuse %j', (given, fault) => {
    const options = {
      service: 'anyhub',
      stage: 'dev',
      subscriptionId: SUBSCRIPTION,
      region: 'westeurope',
      ...given,
    }
    expect(() => createNames(options)).toThrow(fault)
  })
})
