// What serverless.azure.yml asks for: the resources and settings that follow from its parameters and from anyhub.yml.

const { readFileSync } = require('node:fs')
const { resolve } = require('node:path')
const { parse } = require('yaml')

const CONFIG_PATH = resolve(process.env.ANYHUB_CONFIG ?? 'anyhub.yml')

const PARAMETERS = [
  'subscriptionId',
  'region',
  'hub',
  'hubUnits',
  'dps',
  'mail',
  'smsFrom',
  'push',
  'adminTokenSha256',
  'data',
  'dataLocation',
]

async function stackOf({ resolveVariable }) {
  const parameters = {}
  for (const name of PARAMETERS) parameters[name] = await resolveVariable(`param:${name}`)
  const text = readFileSync(CONFIG_PATH, 'utf8')
  const { createStack } = await import('./stack.ts')
  return createStack({
    service: await resolveVariable('self:service'),
    stage: await resolveVariable('sls:stage'),
    parameters,
    config: parse(text) ?? {},
    configText: text,
    env: process.env,
  })
}

/** What is wrong is said once, in place of the environment, and without our stack trace. */
const part = (name, empty) => async (given) => {
  try {
    return (await stackOf(given))[name]
  } catch (error) {
    // The CLI comes again when it knows more.
    if (error.code === 'MISSING_VARIABLE_DEPENDENCY') throw error
    if (empty !== undefined) return empty
    error.stack = error.message
    throw error
  }
}

module.exports = {
  environment: part('environment'),
  secrets: part('secrets', {}),
  grants: part('grants', []),
  resources: part('resources', {}),
}
