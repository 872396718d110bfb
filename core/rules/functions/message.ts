import type { Frame } from '../frame.ts'
import type { MqttProperties } from '../message.ts'
import { basicIngestTopic } from '../topic-filter.ts'
import { indexOf, textOf } from './arguments.ts'
import { AWS_FUNCTIONS, type FunctionBody, type FunctionDefinition } from './definition.ts'

/** The topic that rules see: Basic Ingest hides its prefix. */
function topicOf(frame: Frame): string {
  return basicIngestTopic(frame.facts.topic) ?? frame.facts.topic
}

const topic: FunctionBody = (args, frame, semantics) => {
  if (args.length === 0) return topicOf(frame)
  const level = indexOf(args, 0, semantics)
  return level === undefined ? undefined : topicOf(frame).split('/')[level - 1]
}

const MQTT_PROPERTIES: ReadonlyMap<string, keyof MqttProperties> = new Map([
  ['content_type', 'contentType'],
  ['response_topic', 'responseTopic'],
  ['correlation_data', 'correlationData'],
  ['format_indicator', 'formatIndicator'],
])

const mqttProperty: FunctionBody = (args, frame, semantics) => {
  const name = MQTT_PROPERTIES.get(textOf(args, 0, semantics) ?? '')
  return name === undefined ? undefined : frame.facts.mqttProperties?.[name]
}

const userProperties: FunctionBody = (args, frame, semantics) => {
  const key = textOf(args, 0, semantics)
  const { userProperties: all } = frame.facts
  return key === undefined || all === undefined || !Object.hasOwn(all, key) ? undefined : all[key]
}

function define(
  name: string,
  doc: string,
  example: string,
  run: FunctionBody,
  signature = `${name}()`,
  arity: readonly [number, number] = [0, 0],
  since: FunctionDefinition['since'] = '2015-10-08',
): FunctionDefinition {
  return { name, signature, doc, example, source: AWS_FUNCTIONS, since, arity, run }
}

/** The message besides its body. */
export const MESSAGE_FUNCTIONS: readonly FunctionDefinition[] = [
  define(
    'accountid',
    'The account that owns the rule.',
    "accountid() = '123456789012'",
    (_args, frame) => frame.facts.accountId,
  ),
  define(
    'clientid',
    "The MQTT client that sent the message, 'n/a' if it did not come over MQTT.",
    "clientid() = 'sensor-7'",
    (_args, frame) => frame.facts.clientId ?? 'n/a',
  ),
  define(
    'get_mqtt_property',
    'An MQTT 5 property: content_type, response_topic, correlation_data or format_indicator.',
    "get_mqtt_property('content_type') = 'application/json'",
    mqttProperty,
    'get_mqtt_property(name)',
    [1, 1],
    '2016-03-23',
  ),
  define(
    'get_user_properties',
    'All values of one MQTT 5 user property, as an array.',
    "get_user_properties('site') = ['north']",
    userProperties,
    'get_user_properties(key)',
    [1, 1],
    '2016-03-23',
  ),
  {
    ...define(
      'newuuid',
      'A new random UUID.',
      "newuuid() = '123a4567-b89c-12d3-e456-789012345000'",
      (_args, frame) => frame.facts.newId?.(),
    ),
    hasChance: true,
  },
  define(
    'principal',
    'The identity that the sender authenticated with.',
    "principal() = 'ba67293af50bf250…'",
    (_args, frame) => frame.facts.principal,
  ),
  define(
    'sourceip',
    'The address that the message came from.',
    "sourceip() = '192.0.2.1'",
    (_args, frame) => frame.facts.sourceIp,
    'sourceip()',
    [0, 0],
    '2016-03-23',
  ),
  define(
    'sql_version',
    'The version that the rule is read as.',
    "sql_version() = '2016-03-23'",
    (_args, _frame, semantics) => semantics.version,
  ),
  define(
    'timestamp',
    'The time of evaluation, in epoch milliseconds.',
    'timestamp() = 1481825251155',
    (_args, frame) => frame.facts.nowMs,
  ),
  define(
    'topic',
    'The topic, or one level of it counted from 1.',
    "topic(2) = 'bar' on foo/bar/baz",
    topic,
    'topic([Int])',
    [0, 1],
  ),
  define(
    'traceid',
    'The id under which the message is traced.',
    "traceid() = '12345678-1234-1234-1234-123456789012'",
    (_args, frame) => frame.facts.traceId,
  ),
]
