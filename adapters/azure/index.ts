// The face of this folder for functions that neither send notifications nor serve HTTP.

export { readConfig } from './config.ts'
export { type Azure, createAzure } from './create-azure.ts'
