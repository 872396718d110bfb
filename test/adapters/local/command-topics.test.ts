import { describe, expect, it } from 'vitest'
import {
  commandTopic,
  readAwsWord,
  readNativeWord,
  reportAnswerTopic,
  wantedBy,
} from '../../../adapters/local/dialects/command-topics.ts'

describe('what a filter asks for', () => {
  it.each([
    ['devices/d/commands/#', 'plain'],
    ['devices/d/commands/+', 'plain'],
    ['devices/d/#', 'plain'],
    ['devices/d/+/+', 'plain'],
    ['devices/d/executions/#', 'execution'],
    ['devices/d/methods/+/+', 'methods'],
    ['devices/d/shadow/#', undefined],
    ['devices/other/commands/#', undefined],
    ['devices/+/commands/#', undefined],
    ['$share/g/devices/d/commands/#', undefined],
    ['#', undefined],
    ['', undefined],
    ['$aws/commands/things/d/executions/+/request/json', 'aws'],
    ['$aws/commands/things/d/executions/+/request', 'aws'],
    ['$aws/commands/clients/d/executions/+/request/+', 'aws'],
    ['$aws/commands/things/d/executions/#', 'aws'],
    ['$aws/commands/things/d/executions/+/#', 'aws'],
    ['$aws/commands/things/d/executions/+/response/accepted/json', undefined],
    ['$aws/commands/things/other/executions/#', undefined],
    ['$aws/commands/groups/d/executions/#', undefined],
    ['$aws/commands/things/d', undefined],
  ])('%s: %s', (filter, wanted) => expect(wantedBy(filter, 'd')).toBe(wanted))
})

describe('what a device says', () => {
  it.each([
    ['executions/c-1/complete', { kind: 'settlement', commandId: 'c-1', how: 'complete' }],
    ['executions/a%2Fb%23/reject', { kind: 'settlement', commandId: 'a/b#', how: 'reject' }],
    ['executions/c/abandon', { kind: 'settlement', commandId: 'c', how: 'abandon' }],
    ['executions/c/done', undefined],
    ['executions//complete', undefined],
    ['executions/%zz/complete', undefined],
    ['executions/c/complete/x', undefined],
    ['methods/r-1/200', { kind: 'method_answer', requestId: 'r-1', status: 200 }],
    ['methods/r/-1', { kind: 'method_answer', requestId: 'r', status: -1 }],
    ['methods/r/1e3', undefined],
    ['methods/r/12345678901', undefined],
    ['methods//200', undefined],
    ['methods/r/', undefined],
  ])('%s', (rest, word) => {
    expect(readNativeWord('d', rest)).toEqual(word && { deviceId: 'd', ...word })
  })

  it.each([
    ['$aws/commands/things/d/executions/e%231/response/json', 'e#1'],
    ['$aws/commands/clients/d/executions/e/response', 'e'],
    ['$aws/commands/clients/d/executions/e/response/cbor', 'e'],
    ['$aws/commands/things/d/executions/e/response/xml', undefined],
    ['$aws/commands/things/d/executions/e/request/json', undefined],
    ['$aws/commands/things//executions/e/response', undefined],
  ])('%s', (topic, commandId) => {
    const word = { kind: 'settlement', deviceId: 'd', commandId, how: 'report' }
    expect(readAwsWord(topic)).toEqual(commandId === undefined ? undefined : word)
  })
})

describe('where things go', () => {
  const facts = { deviceId: 'd', commandId: 'a/+#%', name: 'open/now', contentType: undefined }

  it('commands, whatever their ids hold', () => {
    expect(commandTopic('plain', facts)).toBe('devices/d/commands/open/now')
    expect(commandTopic('execution', facts)).toBe('devices/d/executions/a%2F%2B%23%25/open/now')
    const json = { ...facts, contentType: 'application/json; charset=utf-8' }
    expect(commandTopic('aws', json)).toBe(
      '$aws/commands/things/d/executions/a%2F%2B%23%25/request/json',
    )
    expect(commandTopic('aws', { ...facts, contentType: 'text/plain' }, 'clients')).toBe(
      '$aws/commands/clients/d/executions/a%2F%2B%23%25/request',
    )
  })

  it.each([
    ['a/response/json', true, 'a/response/accepted/json'],
    ['a/response/cbor', false, 'a/response/rejected/cbor'],
    ['a/response', false, 'a/response/rejected'],
  ])('the answer to %s', (topic, accepted, answer) => {
    expect(reportAnswerTopic(topic, accepted)).toBe(answer)
  })
})
