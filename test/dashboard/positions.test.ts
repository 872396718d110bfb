import { describe, expect, it } from 'vitest'
import { positionOf } from '../../dashboard/src/pages/map/positions.ts'

const of = (values: Record<string, number | string | boolean>, tags = {}) =>
  positionOf({
    last: Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, { value, at: 1 }]),
    ),
    tags,
  })

describe('where a device is', () => {
  it.each([
    [{ lat: 47.6, lon: -122.3 }],
    [{ latitude: 47.6, longitude: -122.3 }],
    [{ 'position.Lat': 47.6, 'position.Lng': -122.3, lat: 1 }],
    [{ 'gps.latitude': '47.6', 'gps.long': '-122.3' }],
  ])('is read of %j', (values) => {
    expect(of(values)).toEqual({ lat: 47.6, lon: -122.3 })
  })

  it('is read of tags where no metric says it', () => {
    expect(of({ temp: 3 }, { lat: '47.6', lon: '-122.3' })).toEqual({ lat: 47.6, lon: -122.3 })
    expect(of({ lat: 1, lon: 2 }, { lat: '3', lon: '4' })).toEqual({ lat: 1, lon: 2 })
  })

  it.each([
    [{ lat: 47.6 }],
    [{ 'a.lat': 47.6, 'b.lon': 1 }],
    [{ lat: 91, lon: 1 }],
    [{ lat: 1, lon: 181 }],
    [{ lat: 0, lon: 0 }],
    [{ lat: '', lon: '' }],
    [{ lat: 'north', lon: 1 }],
    [{ lat: true, lon: 1 }],
    [{}],
  ])('is nowhere with %j', (values) => {
    expect(of(values)).toBeUndefined()
  })
})
