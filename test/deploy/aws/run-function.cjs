// node run-function.cjs FOLDER file.handler: calls a deployed function with the event on stdin, as its host would.

const { join } = require('node:path')

const [folder, handler] = process.argv.slice(2)
const at = handler.lastIndexOf('.')
const file = require(join(folder, `${handler.slice(0, at)}.js`))

async function main() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  const result = await file[handler.slice(at + 1)](JSON.parse(Buffer.concat(chunks).toString()))
  process.stdout.write(`RESULT ${JSON.stringify(result ?? null)}\n`, () => process.exit(0))
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`, () => process.exit(1))
})
