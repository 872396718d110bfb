import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Folder, runCli, temporaryFolder } from './run-cli.ts'

const CONFIG = `
routes:
  hot:
    condition: $body.temp > 30 AND level = 'high'
    actions: [{queue: {name: hot}}]
  warm:
    condition: $body.temp > 20
    enrichments: [{key: plant, value: A}]
    actions: [{queue: {name: "warm-\${get(get_user_properties('plant'), 0)}"}}]
  off: {condition: 'true', enabled: false}
  rest: {fallback: true, actions: [{queue: {name: rest}}]}
  moved: {source: twinChanges, condition: twin_change_includes(tags.site)}
`

let folder: Folder

beforeEach(() => {
  folder = temporaryFolder()
  folder.write('anyhub.yml', CONFIG)
})

afterEach(() => folder.remove())

const explain = (body: string, ...more: string[]) =>
  runCli(['explain', '--topic', 'devices/dev-7/telemetry', '--payload', body, ...more], {
    cwd: folder.path,
  })

describe('anyhub explain, routes', () => {
  it('shows which part was true, false or undefined, and what the actions do', async () => {
    const { out } = await explain('{"temp":25}')
    expect(out).toContain(
      [
        'route hot',
        "  condition is false: $body.temp > 30 AND level = 'high' → false",
        '    $body.temp > 30 → false',
        '      $body.temp → 25',
        "    level = 'high' → Undefined (because level is Undefined)",
        '      level → Undefined (the message has no such property)',
        '  does not take it',
        '',
        'route warm',
        '  condition is true: $body.temp > 20 → true',
        '    $body.temp → 25',
        '  takes the message',
        '  action 1, queue: queue warm-A, body {"temp":25}',
        '',
        'route off (switched off)',
        '  condition is true: true → true',
        '  does not take it',
        '',
        'route rest',
        '  the fallback: not needed',
        '  does not take it',
        '',
        'not reached by this topic',
        '  route moved (of twinChanges)',
      ].join('\n'),
    )
  })

  it('gives the same as JSON', async () => {
    const { out } = await explain('{"temp":5}', '--json')
    const { routes } = JSON.parse(out)
    expect(routes).toMatchObject([
      { routeId: 'hot', condition: { verdict: 'false' }, taken: false, actions: [] },
      { routeId: 'warm', condition: { verdict: 'false' }, taken: false },
      { routeId: 'off', enabled: false, taken: false },
      { routeId: 'rest', fallback: true, taken: true, actions: [{ action: 'queue' }] },
      { routeId: 'moved', source: 'twinChanges', taken: false },
    ])
    expect(routes[4]).not.toHaveProperty('condition')
  })

  it('counts routes where the config is checked', async () => {
    const { code, out } = await runCli(['check'], { cwd: folder.path })
    expect([code, out]).toEqual([0, expect.stringContaining('0 rules, 5 routes, 0 alarms')])
  })
})
