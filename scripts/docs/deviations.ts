import { CoreError, compileRule } from '../../core/index.ts'
import { givenBy, resultOf } from './evaluate.ts'
import { code, table } from './markdown.ts'

/** Something that is not as AWS has it, or where AWS does not say. */
interface Deviation {
  readonly what: string
  readonly aws: string
  readonly here: string
  /** An expression on the sample message, or a statement: shown with what it gives, or with the error. */
  readonly example?: string
}

/** Beyond the reference: a rule that uses these may not deploy to AWS. */
const EXTENSIONS: readonly Deviation[] = [
  {
    what: '`GROUP BY` with a window, `HAVING`',
    aws: 'not in the language',
    here: 'see [Windows](#windows)',
  },
  {
    what: '`lookup(table, key)`',
    aws: 'not there',
    here: 'a row of a table of any cloud',
    example: "lookup('sites', site.id).name",
  },
  {
    what: '`IN`, `NOT IN`',
    aws: 'not in the reference',
    here: 'with a list or an array',
    example: "door IN ('open', 'ajar')",
  },
  {
    what: '`LIKE`, `NOT LIKE`',
    aws: 'not in the reference',
    here: '`%` stands for any text, `_` for one character',
    example: "door LIKE 'o%'",
  },
  {
    what: '`BETWEEN`, `NOT BETWEEN`',
    aws: 'not in the reference',
    here: 'both ends belong to it',
    example: 'temp BETWEEN 20 AND 21.5',
  },
  {
    what: '`IS NULL`, `IS NOT NULL`',
    aws: 'not in the reference',
    here: 'Undefined stays Undefined',
    example: 'note IS NULL',
  },
  {
    what: '`EXISTS (SELECT …)`',
    aws: 'not in the reference',
    here: 'whether there is a row',
    example: 'exists(SELECT * FROM readings WHERE value > 5)',
  },
  {
    what: '`==` and `!=`',
    aws: 'not in the reference',
    here: 'the same as `=` and `<>`',
    example: "door != 'shut'",
  },
  {
    what: "`a[0]`, `a['key']`",
    aws: '`get(a, 0)`',
    here: 'the same as `get`',
    example: "site['floor-2']",
  },
]

/** Where the documentation contradicts itself or is silent, and what was chosen. */
const CHOICES: readonly Deviation[] = [
  {
    what: '`get` on a string',
    aws: 'text: counted from 0; its example: from 1',
    here: 'counted from 0',
    example: "get('abc', 1)",
  },
  {
    what: '`bitnot(13)`',
    aws: 'its example prints 2',
    here: "the two's complement",
    example: 'bitnot(13)',
  },
  {
    what: '`bitor(13, 5)`',
    aws: 'its example prints 8, which is bitxor',
    here: 'bits of either',
    example: 'bitor(13, 5)',
  },
  {
    what: '`concat` of one value',
    aws: 'table: unchanged; example: a String',
    here: 'unchanged',
    example: 'concat(1)',
  },
  {
    what: 'halves in `round`',
    aws: 'text: up; example: away from zero',
    here: 'away from zero',
    example: 'round(-1.5)',
  },
  {
    what: '`cast` of a Boolean to Int',
    aws: 'table: 1.0; example: 1',
    here: '1',
    example: 'cast(true as int)',
  },
  {
    what: '`cast` of a String to String',
    aws: 'its row is that of Boolean',
    here: 'unchanged',
    example: "cast('abc' as string)",
  },
  {
    what: '`abs(Null)`',
    aws: 'function: Undefined; conversions: Null',
    here: 'Undefined',
    example: 'abs(null)',
  },
  {
    what: 'Null where a number is asked for',
    aws: 'conversions: Null; operators and functions: Undefined',
    here: 'Undefined',
    example: 'note + 1',
  },
  {
    what: '`<>` of arrays',
    aws: 'a sentence that cannot be meant',
    here: 'the opposite of `=`',
    example: '[1, 2] <> [2, 1]',
  },
  { what: '`=` of Null with Null', aws: 'no row', here: 'true', example: 'null = null' },
  {
    what: 'Int divided by Int',
    aws: 'table: an Int; the example of SET prints 23.89',
    here: 'an Int, its fraction cut off',
    example: '215 / 9',
  },
  { what: 'division by zero', aws: 'silent', here: 'Undefined', example: '1 / 0' },
  {
    what: '`AND`, `OR` with Undefined',
    aws: 'table: Undefined; emulators go on',
    here: 'Undefined',
    example: 'missing OR true',
  },
  {
    what: 'order of operators',
    aws: 'silent',
    here: '`-` `NOT`, `*` `/` `%`, `+` `-`, comparisons, `AND`, `OR`',
    example: '1 + 2 * 3 = 7 AND NOT false',
  },
  {
    what: 'the name of a path without alias',
    aws: 'silent',
    here: 'its last part',
    example: "SELECT site.id FROM 'foo/#'",
  },
  {
    what: 'the name of anything else without alias',
    aws: 'silent',
    here: 'a function gives its name, an expression its text',
    example: "SELECT clientid(), count+1 FROM 'foo/#'",
  },
  {
    what: 'quotes around the topic filter',
    aws: 'some examples have none',
    here: 'accepted, with a warning',
    example: 'SELECT VALUE 1 FROM foo/bar/baz',
  },
]

/** What differs, or cannot be had here. */
const DIFFERENCES: readonly Deviation[] = [
  {
    what: '`machinelearning_predict`',
    aws: 'Amazon Machine Learning has been closed',
    here: 'a compile error',
    example: "SELECT machinelearning_predict('m', 'arn', *) AS p FROM 'foo/#'",
  },
  {
    what: "`decode(…, 'proto', …)`",
    aws: 'reads a schema from S3',
    here: 'a compile error: bytes are the business of the codec of a device type',
    example: "SELECT decode(*, 'proto', 'b', 'k', 'f', 'm') AS p FROM 'foo/#'",
  },
  {
    what: 'lookaround, back references, atomic groups, possessive quantifiers',
    aws: "all of Java's regular expressions",
    here: 'a compile error: every match takes linear time, so that no rule can hang ([0009](adr/0009-libraries-inside-rules.md))',
    example: "SELECT regexp_matches(door, '(?=o)') AS m FROM 'foo/#'",
  },
  {
    what: 'the version where none is said',
    aws: 'the API takes 2015-10-08, the console 2016-03-23',
    here: '2016-03-23; `beta` is read as 2016-03-23',
    example: 'sql_version()',
  },
  {
    what: '`get_thing_shadow`, `get_dynamodb`',
    aws: 'reads those services with the role',
    here: "the core's shadow, and the cloud's own table store; the role is not looked at",
  },
  {
    what: '`aws_lambda`, `get_registry_data`, `get_secret`',
    aws: 'asks those services',
    here: 'asks the lookup port: what it does not know is Undefined. On a laptop it knows secrets, from `ANYHUB_SECRET_<ID>`',
  },
  {
    what: 'when the world is asked',
    aws: 'while the rule runs',
    here: 'before it runs, at most 4 rounds and 200 questions a batch',
  },
  {
    what: '`timestamp()`',
    aws: 'the time at which the rule runs',
    here: 'the time at which the message came: the same each time that it is run again',
  },
  {
    what: 'messages that are no JSON',
    aws: 'reach every rule as bytes',
    here: 'the codec of the device type decides; `json` sends them to the dead letters',
  },
  {
    what: 'messages that come again',
    aws: 'run the rules again',
    here: 'are dropped before the rules where they can be known',
  },
  {
    what: 'a rule on a shadow that changes the shadow',
    aws: 'reaches itself, without end',
    here: 'reaches itself until nothing changes, at most 64 times, then fails; its lookups are Undefined',
  },
  {
    what: 'presence messages',
    aws: 'with session, principal, address and version',
    here: '`clientId`, `timestamp`, `eventType`',
  },
  {
    what: 'republished messages',
    aws: 'reach rules again, without end if they match',
    here: 'reach subscribers only: no loops',
  },
  {
    what: 'order of actions',
    aws: 'in parallel',
    here: 'each by itself; one that cannot be done leaves the others alone',
  },
  { what: 'names of rules', aws: 'letters, digits, `_`', here: 'also `-`, at most 64 characters' },
  {
    what: 'limits on one evaluation',
    aws: 'not documented',
    here: 'see [Limits](#limits); beyond one the rule fails on that message, and is counted',
  },
]

/** The three lists, each example with its real result. */
export function deviationTables(): string {
  return [
    `### Beyond AWS IoT SQL\n\nA rule that uses these may not deploy to AWS; \`anyhub check\` warns of the words that AWS does not have.\n\n${rowsOf(EXTENSIONS)}`,
    `### Where the documentation of AWS contradicts itself or is silent\n\n${rowsOf(CHOICES)}`,
    `### Different from AWS\n\n${rowsOf(DIFFERENCES)}`,
  ].join('\n\n')
}

function rowsOf(deviations: readonly Deviation[]): string {
  const rows = deviations.map(({ what, aws, here, example }) => [
    what,
    aws,
    here,
    example === undefined ? '' : exampleOf(example),
  ])
  return table(['', 'AWS', 'anyhub', 'example'], rows)
}

function exampleOf(example: string): string {
  const shown = code(example.replace(/^SELECT (.*?)( AS \w)? FROM 'foo\/#'$/, '$1'))
  try {
    const result = example.startsWith('SELECT') ? resultOf(example) : givenBy(example)
    return `${shown} → ${code(result)}`
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    return `${shown} → ${code(error.code)}`
  }
}

/** What the compiler warns of, with a statement that shows each. */
export function warningTable(): string {
  const statements = [
    "SELECT * FROM 'a' WHERE door IN ('open')",
    "SELECT lookup('sites', site) AS site FROM 'a'",
    'SELECT *',
    'SELECT * FROM a/b',
    "SELECT * FROM 'a/b/c/d/e/f/g/h/i'",
    "SELECT abs(1, 2) AS x FROM 'a'",
    "SELECT (SELECT value + 1 FROM readings) AS x FROM 'a'",
  ]
  return table(
    ['statement', 'warning'],
    statements.map((sql) => [code(sql), compileRule(sql).warnings.join('; ')]),
  )
}
