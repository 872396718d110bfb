import type { Json } from '../../model/json.ts'
import { toOutput } from '../output-size.ts'
import { AWS_FUNCTIONS, type FunctionBody, type FunctionDefinition } from './definition.ts'

/** Asks the answers that were fetched before. Result: Undefined where an argument is, or where there is no answer. */
function ask(name: string): FunctionBody {
  return (args, frame, semantics) => {
    const known: Json[] = []
    for (const arg of args) {
      const json = toOutput(arg, semantics.limits.outputBytes)
      if (json === undefined) return undefined
      known.push(json)
    }
    return frame.facts.lookups?.find({ function: name, args: known })?.value
  }
}

function define(
  name: string,
  signature: string,
  doc: string,
  example: string,
  arity: readonly [number, number],
  since: FunctionDefinition['since'] = '2016-03-23',
): FunctionDefinition {
  const source = since === 'anyhub' ? 'anyhub' : AWS_FUNCTIONS
  return { name, signature, doc, example, source, since, arity, run: ask(name), asks: true }
}

/** Stores outside the message. Their answers are fetched before the rule runs. */
export const LOOKUP_FUNCTIONS: readonly FunctionDefinition[] = [
  define(
    'aws_lambda',
    'aws_lambda(functionArn, inputJson)',
    'The JSON that a Lambda function answers.',
    "aws_lambda('arn:aws:lambda:…', {'payload': x}).some.value",
    [2, 2],
    '2015-10-08',
  ),
  define(
    'get_dynamodb',
    'get_dynamodb(table, partitionKeyName, partitionKeyValue[, sortKeyName, sortKeyValue], roleArn)',
    'One item of a table; at most once in a statement.',
    "get_dynamodb('Devices', 'deviceId', id, 'arn:aws:iam::…').location",
    [4, 6],
  ),
  define(
    'get_registry_data',
    'get_registry_data(registryAPI, thingName, roleArn)',
    "What the registry knows of a device, by 'DescribeThing' or 'ListThingGroupsForThing'.",
    "get_registry_data('DescribeThing', 'MyThing', 'arn:aws:iam::…').thingTypeName",
    [3, 3],
  ),
  define(
    'get_secret',
    'get_secret(secretId, secretType[, key], roleArn)',
    'A secret, or one key of it.',
    "get_secret('API_KEY', 'SecretString', 'API_KEY_VALUE', 'arn:aws:iam::…')",
    [3, 4],
  ),
  define(
    'get_thing_shadow',
    'get_thing_shadow(thingName[, shadowName], roleArn)',
    'The shadow document of a device.',
    "get_thing_shadow('MyThing', 'arn:aws:iam::…').state.reported.alarm",
    [2, 3],
  ),
  define(
    'lookup',
    'lookup(table, key)',
    'One row of a table that the project keeps; not part of AWS IoT SQL.',
    "lookup('sites', siteId).name",
    [2, 2],
    'anyhub',
  ),
]
