import { md5, sha1 } from '@noble/hashes/legacy.js'
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { textOf } from './arguments.ts'
import { AWS_FUNCTIONS, type FunctionDefinition } from './definition.ts'
import { md2 } from './md2.ts'

function define(
  name: string,
  hash: (bytes: Uint8Array) => Uint8Array,
  example: string,
): FunctionDefinition {
  return {
    name,
    signature: `${name}(String)`,
    doc: `The ${name.toUpperCase()} hash of a text's UTF-8, in lower-case hex.`,
    example,
    source: AWS_FUNCTIONS,
    since: '2015-10-08',
    arity: [1, 1],
    run(args, _frame, semantics) {
      const text = textOf(args, 0, semantics)
      return text === undefined ? undefined : bytesToHex(hash(new TextEncoder().encode(text)))
    },
  }
}

/** Hashes of text. */
export const HASH_FUNCTIONS: readonly FunctionDefinition[] = [
  define('md2', md2, "md2('hello') = 'a9046c73e00331af68917d3804f70655'"),
  define('md5', md5, "md5('hello') = '5d41402abc4b2a76b9719d911017c592'"),
  define('sha1', sha1, "sha1('hello') = 'aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d'"),
  define(
    'sha224',
    sha224,
    "sha224('') = 'd14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f'",
  ),
  define(
    'sha256',
    sha256,
    "sha256('abc') = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'",
  ),
  define(
    'sha384',
    sha384,
    "sha384('abc') = 'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7'",
  ),
  define(
    'sha512',
    sha512,
    "sha512('abc') = 'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f'",
  ),
]
