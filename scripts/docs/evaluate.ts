import {
  compileExpression,
  compileRule,
  type Json,
  type MessageFacts,
  type RuleMessage,
  runRule,
} from '../../core/index.ts'

/** The message that the examples of the documentation look at. */
export const BODY: Json = {
  temp: 21.5,
  count: 5,
  door: 'open',
  label: '12',
  on: true,
  note: null,
  readings: [
    { name: 'a', value: 1 },
    { name: 'b', value: 7 },
  ],
  site: { id: 'north', 'floor-2': 'store' },
}

/** What is known of it besides its body; chance and ids repeat themselves. */
const FACTS: MessageFacts = {
  topic: 'foo/bar/baz',
  nowMs: 1_767_225_600_000,
  accountId: '123456789012',
  clientId: 'sensor-7',
  principal: 'ba67293af50bf2506f5f93469686da660c7c844e7b3950bfb16813e0d31e9373',
  sourceIp: '192.0.2.1',
  traceId: '12345678-1234-1234-1234-123456789012',
  userProperties: { site: ['north'] },
  mqttProperties: { contentType: 'application/json' },
  newId: () => '123a4567-b89c-42d3-a456-789012345000',
  random: () => 0.8231909191640703,
  lookups: { find: ({ function: name }) => ({ value: ANSWERS[name] }) },
}

/** What the world answers to the functions that ask it. */
const ANSWERS: Readonly<Record<string, Json>> = {
  aws_lambda: { some: { value: 3 } },
  get_dynamodb: { location: 'hall 7' },
  get_registry_data: { thingTypeName: 'sensor' },
  get_secret: 'k3y',
  get_thing_shadow: { state: { reported: { alarm: 'ON' } } },
  lookup: { name: 'North' },
}

/** What an expression gives on the sample message, as text: JSON, or the word Undefined. */
export function givenBy(expression: string): string {
  return textOf(compileExpression(expression).evaluate(messageOf(BODY)))
}

/** What a statement gives on a message of the sample topic. */
export function resultOf(sql: string, body: Json | Uint8Array = BODY): string {
  const result = runRule(compileRule(sql), messageOf(body))
  if (result.status === 'no_match') return `no match (${result.reason})`
  const { value } = result
  if (value instanceof Uint8Array) return `the bytes ${Buffer.from(value).toString('hex')}`
  return textOf(value)
}

function messageOf(body: Json | Uint8Array): RuleMessage {
  return body instanceof Uint8Array
    ? { body: undefined, bytes: body, facts: FACTS }
    : { body, bytes: new TextEncoder().encode(JSON.stringify(body)), facts: FACTS }
}

function textOf(value: Json | undefined): string {
  return value === undefined ? 'Undefined' : JSON.stringify(value)
}
