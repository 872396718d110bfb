// The face of this folder for functions that neither send notifications nor change the registry.

export { readConfig } from './config.ts'
export { type Aws, createAws } from './create-aws.ts'
