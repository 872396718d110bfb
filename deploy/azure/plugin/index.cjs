// What the Serverless CLI loads: Node itself runs the TypeScript beside it.

if (!process.features.typescript)
  throw new Error(
    `expected Node 22.18 or later, which runs TypeScript; found ${process.version} at ${process.execPath}`,
  )

module.exports = require('./index.ts').default
