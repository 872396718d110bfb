// node child.cjs BUNDLE EVENT: loads a function as its host does; with an event, it is called once.

const [bundle, event] = process.argv.slice(2)
const { handler } = require(bundle)
if (event !== '')
  handler(JSON.parse(event)).then(
    (reply) => {
      if (JSON.stringify(reply) !== '{"batchItemFailures":[]}') process.exitCode = 1
      // Connections that are kept would keep the process.
      process.exit()
    },
    () => process.exit(1),
  )
