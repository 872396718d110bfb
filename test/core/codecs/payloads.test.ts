import { expect, it } from 'vitest'
import { describeWithShared, readVectors } from '../../vectors.ts'

/** Where the recorded messages of each kind are read, by the beginning of their ids; '' is nowhere yet. */
const READ_BY: readonly (readonly [kind: string, where: string])[] = [
  ['ble/ruuvitag', 'ruuvi.test.ts'],
  // Reports of a Bluetooth controller: no codec of the project is for beacons of other vendors (BTHome, Govee, Xiaomi, …).
  ['ble/', ''],
  ['ruuvi/', 'ruuvi.test.ts'],
  ['teltonika/', 'teltonika.test.ts'],
  ['owntracks/', 'owntracks.test.ts'],
  ['aws', 'plain JSON: rules read it as it is'],
  ['', 'networks/vectors.test.ts'],
]

describeWithShared('recorded messages of vendors', 'vectors/payloads.json', () => {
  it('are all read somewhere, but for beacons of other vendors, which are listed', () => {
    const { cases } = readVectors<{ cases: readonly { id: string }[] }>('payloads.json')
    const counts = new Map<string, number>()
    for (const { id } of cases) {
      const [, where = ''] = READ_BY.find(([kind]) => id.startsWith(kind)) ?? []
      counts.set(where, (counts.get(where) ?? 0) + 1)
    }
    expect(Object.fromEntries(counts)).toEqual({
      '': 34,
      'ruuvi.test.ts': 4,
      'teltonika.test.ts': 14,
      'owntracks.test.ts': 3,
      'plain JSON: rules read it as it is': 2,
      'networks/vectors.test.ts': 49,
    })
  })
})
