import { expect, it } from 'vitest'
import { evalShadow } from '../../../cli/eval/shadow.ts'
import type { JsonObject } from '../../../core/model/json.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'

interface Answer {
  readonly accepted?: JsonObject
  readonly rejected?: JsonObject
  readonly delta?: JsonObject
  readonly documents?: {
    readonly previous: JsonObject | null
    readonly current: JsonObject
    readonly clientToken: string
  }
}

const deviations = [
  {
    id: 'bad_update_document_with_state_node_as_empty_node',
    reason:
      'the cloud accepts {"state":{}} (moto, verified against AWS), and so does Greengrass since its pull request 192',
  },
  {
    id: 'good_delta_node_with_string_change',
    reason:
      'no state around the delta: an input of a unit test of Greengrass, no message of the service',
  },
  {
    id: 'good_get_shadow_with_delta_node',
    reason: 'its delta lacks the path to the root (color), which the developer guide shows',
  },
  {
    id: 'good_delta_node_with_new_node, …_after_new_node_desired, …_with_add_delete_update',
    reason: 'they keep "b": null in the document: patches before the merge, which removes the key',
  },
]

describeWithShared(
  'updates agree with AWS Greengrass',
  'vectors/greengrass-shadow-fixtures.json',
  () => {
    const { fixtures } = readVectors<{ fixtures: Record<string, JsonObject> }>(
      'greengrass-shadow-fixtures.json',
    )
    const fixture = (name: string): JsonObject => fixtures[name]!
    const initial = fixture('good_initial_document')

    function run(payload: JsonObject, seeded = true): { update: Answer; get: Answer } {
      const seed = { op: 'seed', state: initial['state']!, version: initial['version']! }
      const steps = [...(seeded ? [seed] : []), { op: 'update', payload }, { op: 'get' }]
      const { results } = evalShadow({ steps }) as unknown as { results: Answer[] }
      return { update: results.at(-2)!, get: results.at(-1)! }
    }

    it('has all 28 published documents, 6 of them in 4 deviations', () => {
      expect(Object.keys(fixtures)).toHaveLength(28)
      expect(deviations).toHaveLength(4)
    })

    it.each([
      ['bad_update_document_with_delta_node', 400, 'State contains an invalid node'],
      [
        'bad_update_document_with_depth',
        400,
        'JSON contains too many levels of nesting; maximum is 6',
      ],
      [
        'bad_update_document_with_large_reported',
        413,
        'The payload exceeds the maximum size allowed',
      ],
      ['bad_update_document_with_state_node_as_value_node', 400, 'State node must be an object'],
      ['bad_update_document_without_state_node', 400, 'Missing required node: state'],
      ['bad_version_update_document', 400, 'Invalid version'],
      ['bad_version_update_document_with_higher_version_number', 409, 'Version conflict'],
    ])('%s', (name, code, message) => {
      const { update, get } = run(fixture(name))
      expect(update.rejected).toMatchObject({ code, message })
      expect(update).not.toHaveProperty('accepted')
      expect(get.accepted).toMatchObject({ state: initial['state'], version: 1 })
    })

    it.each([
      [
        'good_update_document_with_desired',
        'good_new_document',
        'good_documents_payload',
        'good_delta_node',
      ],
      [
        'good_update_document_with_reported',
        'good_new_document_with_updated_reported',
        'good_documents_payload_with_reported_updated',
        undefined,
      ],
      [
        'good_update_document_with_same_reported_and_desired',
        'good_new_document_with_same_reported_and_desired',
        'good_documents_payload_with_same_desired_and_reported',
        undefined,
      ],
    ])('%s', (request, stored, documents, delta) => {
      const { update, get } = run(fixture(request))
      expect(update.accepted).toMatchObject({
        state: fixture(request)['state'],
        version: 2,
        clientToken: 'device',
      })
      expect(stripped(update.documents!)).toEqual(fixture(documents))
      const state = fixture(stored)['state'] as JsonObject
      expect(update.documents?.current).toMatchObject({
        state,
        version: fixture(stored)['version'],
      })
      if (delta === undefined) {
        expect(update.delta).toBeUndefined()
        expect(get.accepted?.['state']).toEqual(state)
      } else {
        expect(update.delta).toMatchObject(fixture(delta))
        expect(update.delta?.['state']).toEqual(fixture(delta)['state'])
        expect(get.accepted?.['state']).toEqual({ ...state, delta: fixture(delta)['state'] })
      }
    })

    it('good_update_document_with_desired on no shadow: previous is null, and version 1 is expected', () => {
      const { update } = run(fixture('good_update_document_with_desired'), false)
      expect(stripped(update.documents!)).toEqual(
        fixture('good_documents_payload_with_no_previous'),
      )
      expect(update.documents?.current['state']).toEqual(
        fixture('good_new_document_with_desired')['state'],
      )
      expect(update.delta?.['state']).toEqual(
        (fixture('good_new_document_with_desired')['state'] as JsonObject)['desired'],
      )
    })

    it('good_update_document_with_desired_and_add_remove_node: the null is in the answer, not in the document', () => {
      const { update, get } = run(fixture('good_update_document_with_desired_and_add_remove_node'))
      const stored = fixture('good_new_document_with_add_delete_update')['state'] as JsonObject
      expect(update.accepted?.['state']).toEqual({ desired: stored['desired'] })
      expect(get.accepted?.['state']).toEqual({
        desired: { color: { r: 255, g: 0 }, temperature: 70 },
        reported: stored['reported'],
        delta: { color: { g: 0 }, temperature: 70 },
      })
    })

    it('good_update_document_with_large_reported is exactly at the limit', () => {
      const { update } = run(fixture('good_update_document_with_large_reported'))
      expect(update.accepted).toMatchObject({ version: 2 })
    })
  },
)

/** The fixtures have no stamps. */
function stripped(documents: NonNullable<Answer['documents']>): unknown {
  const { previous, current, clientToken } = documents
  const side = (document: JsonObject | null) =>
    document === null ? null : { state: document['state'], version: document['version'] }
  return { previous: side(previous), current: side(current), clientToken }
}
