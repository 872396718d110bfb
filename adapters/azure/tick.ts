// Time calls for all that was put off: it sends notifications too.

export { readConfig } from './config.ts'
export { createAzureNotify as createAzureTick } from './notify.ts'
